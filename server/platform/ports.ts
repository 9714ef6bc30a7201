import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The server can't listen on a port that it needs. */
export class PortUnavailable extends Error {
  constructor(setting: string, host: string, port: number, code: string) {
    const reason = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
    super(`${setting}: ${host}:${port} ${reason}; set ${setting} to another port`);
    this.name = 'PortUnavailable';
  }
}

/**
 * Tries to listen. Another program may still take the port before the server does; then the message is less clear.
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

/** Resolves once a program listens on the port. If the proxy can't, it ends the server. */
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
