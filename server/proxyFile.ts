import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderProxy } from '../proxy/render.ts';
import type { Config } from './config.ts';
import { availableCpus } from './cpus.ts';
import { HOME } from './project.ts';

/** The socket of a server process, by its slot. */
export const socketPath = (runtime: string, slot: number): string => join(runtime, `process-${slot}.sock`);

/** The account of nginx's workers when its master is root; undefined leaves it to nginx. */
function proxyUser(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return /^www-data:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'www-data' : undefined;
}

/** Writes the proxy's configuration into the runtime folder. */
export function writeProxyFile(config: Config, runtime: string): void {
  const user = proxyUser();
  // nginx's workers have to reach the sockets; the folder's random name stays unlisted.
  if (process.getuid?.() === 0) chmodSync(runtime, 0o711);
  const text = renderProxy(readFileSync(join(HOME, 'nginx.conf'), 'utf8'), {
    host: config.HOST,
    port: config.PORT,
    maxBodyBytes: config.MAX_BODY_BYTES,
    deadlineMs: config.DEADLINE_MS,
    accessLog: config.ACCESS_LOG,
    sockets: Array.from({ length: config.WEB_CONCURRENCY }, (_, slot) => socketPath(runtime, slot)),
    runtime,
    workers: availableCpus(),
    ...(user === undefined ? {} : { user }),
  });
  writeFileSync(join(runtime, 'nginx.conf'), text);
}
