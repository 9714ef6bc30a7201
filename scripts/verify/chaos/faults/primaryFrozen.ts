import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { LONG_SILENCE_MS } from './longSilence.ts';

export const primaryFrozen: Fault = {
  name: 'primary-frozen',
  what: 'SIGSTOP of the primary, 4 s',
  strike: async ({ server, recovered }) => {
    const processes = server.serverProcesses();
    process.kill(server.primary(), 'SIGSTOP');
    await delay(LONG_SILENCE_MS);
    process.kill(server.primary(), 'SIGCONT');
    await recovered();
    if (server.serverProcesses().join() !== processes.join())
      throw new Error('processes were killed for the silence of the primary');
  },
};
