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
import { statusPath } from './platform/runtimeFolder.ts';
import { socketPath } from './platform/runtimeFolder.ts';
import { createLog } from './platform/log.ts';
import type { Primary } from './primary/primary.ts';
import { followProxyLog } from './primary/nginx/errorLog.ts';
import { SLOT_VARIABLE } from './primary/slots.ts';

/** A process whose primary is gone ends after this time, should nobody tell it to end earlier. */
const ORPHAN_MS = 9000;

const { values: options } = parseArgs({
  options: {
    runtime: { type: 'string' },
    'no-proxy': { type: 'boolean', default: false },
    // servemodel.sh waits on this descriptor for the word that the processes are ready.
    'ready-fd': { type: 'string' },
    // Where nginx's error log comes in.
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

/** Makes lines of the log of what Node would write to stderr as text. */
function logTheUnexpected(log: Logger): void {
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'an error that nothing caught');
    process.exit(1);
  });
  process.removeAllListeners('warning');
  process.on('warning', (err) => log.warn({ err }, 'a warning of Node'));
}

async function runPrimary(config: Config): Promise<void> {
  // The pinned version runs on every Node that we do; what comes after it is no affair of who starts a server.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const log = await createLog(config.LOG_LEVEL, 'primary');
  logTheUnexpected(log);
  if (proxyLogFd !== undefined) followProxyLog(proxyLogFd, await createLog(config.LOG_LEVEL, 'nginx'));
  const { createPrimary } = await import('./primary/primary.ts');
  const { KeysUnreadable } = await import('./access/keys.ts');
  let primary: Primary;
  try {
    primary = createPrimary({
      config,
      runtime,
      ...(behindProxy ? { nginx: statusPath(runtime) } : {}),
      log,
      exit: (code) => process.exit(code),
    });
  } catch (error) {
    if (!(error instanceof KeysUnreadable)) throw error;
    log.fatal(error.message);
    process.exit(1);
  }
  process.on('SIGTERM', () => void primary.stop(0));
  process.on('SIGINT', () => void primary.stop(0));
  process.on('SIGHUP', () => void primary.reload());
  process.on('SIGUSR2', () => primary.lame());
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

async function runReplica(config: Config, slot: number): Promise<void> {
  const log = await createLog(config.LOG_LEVEL, `server-${slot}`);
  logTheUnexpected(log);
  const { startReplica } = await import('./process/serverProcess.ts');
  const tell = (message: FromProcess): Promise<void> =>
    new Promise((resolve) => {
      // The primary may be gone, and with it the channel.
      if (process.connected) process.send?.(message, () => resolve());
      else resolve();
    });
  // A terminal's Ctrl-C reaches every process: the primary must be free to end them in order.
  process.on('SIGINT', () => {});
  // Without a primary there is nobody else to say it.
  process.on('SIGTERM', () => {
    if (!process.connected) onLeft();
  });
  let onOrphaned = (): void => process.exit(1);
  let onLeft = (): void => process.exit(1);
  // First in line: node:cluster's own listener would end the process at once, with all that it is answering.
  process.prependListener('disconnect', () => {
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    onOrphaned();
  });
  const replica = startReplica({
    config,
    address: behindProxy ? { socket: socketPath(runtime, slot) } : { host: config.HOST, port: config.PORT },
    runtime,
    entry: new URL('../worker/main.js', import.meta.url),
    log,
    tell,
    exit: (code) => process.exit(code),
    kill: () => process.kill(process.pid, 'SIGKILL'),
  });
  onLeft = () => void replica.drain();
  onOrphaned = () => {
    log.error('the primary is gone: answering until nginx has what it waits for');
    // nginx first finishes what it has; servemodel.sh then says that it did.
    replica.receive({ type: 'lame' });
    setTimeout(onLeft, ORPHAN_MS);
  };
  process.on('message', (message: ToProcess) => replica.receive(message));
  await tell({ type: 'started' });
}

// Each role loads its own modules only: what the primary doesn't import, it needn't wait for.
const config = readConfig();
if (cluster.isPrimary) await runPrimary(config);
else await runReplica(config, Number(process.env[SLOT_VARIABLE]));
