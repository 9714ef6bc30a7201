import cluster from 'node:cluster';
import { closeSync, mkdtempSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from './settings/settings.ts';
import { ConfigError, parseConfig } from './settings/settings.ts';
import type { FromProcess, ToProcess } from './messages.ts';
import { PortUnavailable, portOpen, requireFreePort } from './platform/ports.ts';
import { CertificateUnusable, RuntimeUnreachable, writeProxyFile } from './primary/nginx/writeConfig.ts';
import { letYoungGenerationGrow } from './platform/youngGeneration.ts';
import { socketPath, statusPath } from './platform/runtimeFolder.ts';
import { createLog } from './platform/log.ts';
import type { Primary } from './primary/primary.ts';
import { followProxyLog } from './primary/nginx/errorLog.ts';
import { SLOT_VARIABLE } from './primary/slots.ts';

/** A process whose primary has exited ends after this time, unless a signal ends it earlier. */
const ORPHAN_MS = 9000;

const { values: options } = parseArgs({
  options: {
    runtime: { type: 'string' },
    'no-proxy': { type: 'boolean', default: false },
    // servemodel.sh reads a line from it once the processes are ready.
    'ready-fd': { type: 'string' },
    // nginx's error log.
    'proxy-log-fd': { type: 'string' },
  },
});
const runtime = options.runtime ?? mkdtempSync(join(tmpdir(), 'servemodel.'));
const behindProxy = !options['no-proxy'];
const descriptor = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const readyFd = descriptor(options['ready-fd']);
const proxyLogFd = descriptor(options['proxy-log-fd']);

function readConfig(): Config {
  try {
    return parseConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) process.stderr.write(`servemodel: ${fault}\n`);
    process.exit(2);
  }
}

/** Logs what Node would write to stderr as text. */
function logNodeErrors(log: Logger): void {
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'an uncaught error');
    process.exit(1);
  });
  process.removeAllListeners('warning');
  process.on('warning', (err) => log.warn({ err }, 'a Node.js warning'));
}

async function runPrimary(config: Config): Promise<void> {
  // The pinned SDK supports our Node versions; its deprecation warning is noise.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  // Inherited by the processes that load ONNX Runtime, which sends telemetry otherwise.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  const log = await createLog(config.LOG_LEVEL, 'primary');
  logNodeErrors(log);
  if (proxyLogFd !== undefined) followProxyLog(proxyLogFd, await createLog(config.LOG_LEVEL, 'nginx'));
  const { forkFirstChildren } = await import('./primary/firstChildren.ts');
  const verifierEntry = new URL('./verification/process.js', import.meta.url);
  const children = forkFirstChildren({ config, runtime, verifierEntry, log });
  const { createPrimary } = await import('./primary/primary.ts');
  const { KeysUnreadable } = await import('./access/keys.ts');
  // This process has no use for more.
  letYoungGenerationGrow(false);
  let primary: Primary;
  try {
    primary = createPrimary({
      config,
      runtime,
      ...(behindProxy ? { nginx: statusPath(runtime) } : {}),
      children,
      log,
      exit: (code) => process.exit(code),
    });
  } catch (error) {
    if (!(error instanceof KeysUnreadable)) throw error;
    log.fatal(error.message);
    children.kill();
    process.exit(1);
  }
  process.on('SIGTERM', () => void primary.stop(0));
  process.on('SIGINT', () => void primary.stop(0));
  process.on('SIGHUP', () => void primary.reload());
  process.on('SIGUSR2', () => primary.lameDuck());
  try {
    await requireFreePort('PORT', config.HOST, config.PORT);
    await requireFreePort('METRICS_PORT', config.METRICS_HOST, config.METRICS_PORT);
    if (config.ADMIN_PORT !== 0) await requireFreePort('ADMIN_PORT', '127.0.0.1', config.ADMIN_PORT);
    if (behindProxy) writeProxyFile(config, runtime);
    else if (config.TLS_CERT !== undefined)
      throw new CertificateUnusable('TLS needs the proxy: start without --no-proxy');
  } catch (error) {
    const known = [PortUnavailable, RuntimeUnreachable, CertificateUnusable];
    if (!known.some((kind) => error instanceof kind)) throw error;
    log.fatal((error as Error).message);
    children.kill();
    process.exit(1);
  }
  await primary.start();
  if (readyFd !== undefined) {
    writeSync(readyFd, 'ready\n');
    closeSync(readyFd);
  }
  if (behindProxy) await portOpen(config.HOST, config.PORT);
  const { WEB_CONCURRENCY: processes, INFERENCE_THREADS: threads } = config;
  const scheme = behindProxy && config.TLS_CERT !== undefined ? 'https' : 'http';
  log.info({ processes, threads }, `ready on ${scheme}://${config.HOST}:${config.PORT}`);
}

async function runServerProcess(config: Config, slot: number): Promise<void> {
  const log = await createLog(config.LOG_LEVEL, `server-${slot}`);
  logNodeErrors(log);
  const { startServerProcess } = await import('./process/serverProcess.ts');
  const send = (message: FromProcess): Promise<void> =>
    new Promise((resolve) => {
      // The primary may be gone, and with it the channel.
      if (process.connected) process.send?.(message, () => resolve());
      else resolve();
    });
  // A terminal's Ctrl-C reaches every process: the primary must be free to end them in order.
  process.on('SIGINT', () => {});
  // With a primary, only its `drain` ends this process.
  process.on('SIGTERM', () => {
    if (!process.connected) onLeft();
  });
  let onOrphaned = (): void => process.exit(1);
  let onLeft = (): void => process.exit(1);
  // The first listener: node:cluster's own one would end the process at once, with the requests that it answers.
  process.prependListener('disconnect', () => {
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    onOrphaned();
  });
  const serverProcess = startServerProcess({
    config,
    address: behindProxy ? { socket: socketPath(runtime, slot) } : { host: config.HOST, port: config.PORT },
    runtime,
    entry: new URL('../worker/main.js', import.meta.url),
    loadingEntry: new URL('./loading/thread.js', import.meta.url),
    log,
    send,
    exit: (code) => process.exit(code),
    kill: () => process.kill(process.pid, 'SIGKILL'),
  });
  onLeft = () => void serverProcess.drain();
  onOrphaned = () => {
    log.error('the primary has exited; answering until nginx has the answers that it waits for');
    // nginx first finishes its requests; then servemodel.sh sends SIGTERM.
    serverProcess.receive({ type: 'lameDuck' });
    setTimeout(onLeft, ORPHAN_MS);
  };
  process.on('message', (message: ToProcess) => serverProcess.receive(message));
  await send({ type: 'started' });
}

// Each role loads its own modules only, so that it starts sooner.
const config = readConfig();
if (cluster.isPrimary) await runPrimary(config);
else await runServerProcess(config, Number(process.env[SLOT_VARIABLE]));
