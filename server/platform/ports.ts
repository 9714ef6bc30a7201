import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A port that the server needs can't be had. */
export class PortUnavailable extends Error {
  constructor(setting: string, host: string, port: number, code: string) {
    const reason = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
    super(`${setting}: ${host}:${port} ${reason}; set ${setting} to another port`);
    this.name = 'PortUnavailable';
  }
}

/**
 * Tries to listen. Between this and the real listening another program may still come first; then the message is
 * only less clear.
 *
 * @throws {PortUnavailable}
 */
export function requireFreePort(setting: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new PortUnavailable(setting, host, port, error.code ?? 'unknown error'));
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

const TRY_EVERY_MS = 10;

/** Resolves once somebody listens on the port. The proxy that should do so ends the server if it can't. */
export async function portOpen(host: string, port: number): Promise<void> {
  const accepted = (): Promise<boolean> =>
    new Promise((resolve) => {
      // Connecting to the unspecified address reaches this machine.
      const socket = connect({ host, port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  while (!(await accepted())) await delay(TRY_EVERY_MS);
}
