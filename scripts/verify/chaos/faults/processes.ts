import type { Fault, Scene } from '../fault.ts';

/** Sends a signal to one server process after the other, and waits for each successor. */
const replaceProcesses =
  (signal: NodeJS.Signals) =>
  async ({ server, chance, times, load, recovered }: Scene): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(server.serverProcesses());
      process.kill(victim, signal);
      await recovered([victim]);
      await load.more(100, 30_000);
    }
  };

export const processKilled: Fault = {
  name: 'process-killed',
  what: 'kill -9 of a server process',
  times: 5,
  strike: replaceProcesses('SIGKILL'),
};

export const processCrashes: Fault = {
  name: 'process-crashes',
  what: 'a thread crashes natively (SIGSEGV)',
  times: 3,
  strike: replaceProcesses('SIGSEGV'),
};

export const processFrozen: Fault = {
  name: 'process-frozen',
  what: 'SIGSTOP of a server process',
  times: 2,
  strike: replaceProcesses('SIGSTOP'),
};

export const processesKilled: Fault = {
  name: 'processes-killed',
  what: 'kill -9 of all server processes at once',
  mayLose: 'until the first is back, no process can answer: 503 with Retry-After',
  strike: async ({ server, recovered }) => {
    const victims = server.serverProcesses();
    for (const victim of victims) process.kill(victim, 'SIGKILL');
    await recovered(victims);
  },
};

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
