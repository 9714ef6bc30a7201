import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that were handed out, maybe not listened on yet. */
const given = new Set<number>();

/** A port that is free, below those that the kernel gives to outgoing connections; each is returned once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
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
