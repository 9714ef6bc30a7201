import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PortUnavailable, portOpen, requireFreePort } from './ports.ts';
import { withDeadline } from '../testing/withDeadline.ts';

const HOST = '127.0.0.1';

async function listenOn(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy()).listen(port, HOST);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('requireFreePort', () => {
  it('accepts a free port, and leaves it free', async () => {
    const { server, port } = await listenOn(0);
    await close(server);
    await requireFreePort('PORT', HOST, port);
    await close((await listenOn(port)).server);
  });

  it('names the setting of a port in use, and what to do', async () => {
    const { server, port } = await listenOn(0);
    const refusal: unknown = await requireFreePort('METRICS_PORT', HOST, port).catch(
      (error: unknown) => error,
    );
    await close(server);
    expect(refusal).toBeInstanceOf(PortUnavailable);
    expect((refusal as Error).message).toBe(
      `METRICS_PORT: ${HOST}:${port} is in use by another program; set METRICS_PORT to another port`,
    );
  });

  it('reports any other reason by its code', async () => {
    await expect(requireFreePort('PORT', '192.0.2.1', 5000)).rejects.toThrow(
      /cannot be listened on \(EADDRNOTAVAIL\)/,
    );
  });
});

describe('portOpen', () => {
  it('resolves once a program listens', async () => {
    const { server, port } = await listenOn(0);
    await close(server);
    let listening = false;
    const opened = portOpen(HOST, port).then(() => listening);
    const again = await listenOn(port);
    listening = true;
    expect(await withDeadline('a listening program', opened)).toBe(true);
    await close(again.server);
  });
});
