import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that were handed out, maybe not listened on yet. */
const given = new Set<number>();

/** Test files that run side by side have ports of their own: odd or even ones. */
const WORKERS = 2;
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS;

/** A port that is free, below those that the kernel gives to outgoing connections; each is returned once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + WORKERS * Math.floor((Math.random() * 15_000) / WORKERS) + worker;
    if (given.has(port)) continue;
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, () => resolve(true));
    });
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    given.add(port);
    return port;
  }
}
