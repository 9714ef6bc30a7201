import type { Scene } from '../fault.ts';

/** Sends a signal to one server process after the other, and waits for each successor. */
export const onProcesses =
  (signal: NodeJS.Signals) =>
  async ({ server, chance, times, load, recovered }: Scene): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(server.serverProcesses());
      process.kill(victim, signal);
      await recovered([victim]);
      await load.more(100, 30_000);
    }
  };
