import { setTimeout as delay } from 'node:timers/promises';
import { scrape } from '../../../../server/testing/scrape.ts';
import type { Fault } from '../fault.ts';
import { LONG_SILENCE_MS } from '../fault.ts';

export const primaryFrozen: Fault = {
  name: 'primary-frozen',
  what: 'SIGSTOP of the primary, 4 s',
  strike: async ({ server, load, recovered }) => {
    const processes = server.serverProcesses();
    process.kill(server.primary(), 'SIGSTOP');
    await delay(LONG_SILENCE_MS);
    process.kill(server.primary(), 'SIGCONT');
    await recovered();
    await load.more(100, 30_000);
    const silences = (await scrape(server)).sum('server_process_silences_total');
    if (server.serverProcesses().join() !== processes.join() || silences > 0)
      throw new Error('processes were killed because the primary was frozen');
  },
};

export const primaryKilled: Fault = {
  name: 'primary-killed',
  what: 'kill -9 of the primary',
  mayRefuse: 'new connections: the server ends, and answers what it has',
  // 128 + 9, as a shell has it.
  endsWith: 137,
  strike: ({ server }) => {
    process.kill(server.primary(), 'SIGKILL');
    return Promise.resolve();
  },
};
