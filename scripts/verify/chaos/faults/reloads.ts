import { performance } from 'node:perf_hooks';
import type { Fault } from '../fault.ts';

/** Replaces all processes again and again. */
export const reloads: Fault = {
  name: 'reloads',
  what: 'rolling reloads (SIGHUP), one after the other',
  times: 200,
  strike: async ({ server, times, say, recovered }) => {
    const ended = (): number =>
      server.lines().filter(({ msg }) => msg === 'reload ended' || msg.startsWith('reload stopped')).length;
    const start = performance.now();
    for (let time = 1; time <= times; time++) {
      const old = server.serverProcesses();
      server.signal('SIGHUP');
      await server.says(`the end of reload ${time}`, () => ended() >= time, 60_000);
      await recovered(old);
      const seconds = Math.round((performance.now() - start) / 1000);
      say(`reload ${time} of ${times}, ${seconds} s`);
    }
  },
};
