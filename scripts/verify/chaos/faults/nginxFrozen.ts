import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { LONG_SILENCE_MS } from './longSilence.ts';

export const nginxFrozen: Fault = {
  name: 'nginx-frozen',
  what: 'SIGSTOP of the nginx master, 4 s',
  strike: async ({ server, recovered }) => {
    process.kill(server.nginx(), 'SIGSTOP');
    await delay(LONG_SILENCE_MS);
    process.kill(server.nginx(), 'SIGCONT');
    await recovered();
  },
};
