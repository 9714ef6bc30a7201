import type { Fault } from '../fault.ts';

export const processesKilled: Fault = {
  name: 'processes-killed',
  what: 'kill -9 of all server processes at once',
  mayLose: 'until the first is back, nobody can answer: 503 with Retry-After',
  strike: async ({ server, recovered }) => {
    const victims = server.serverProcesses();
    for (const victim of victims) process.kill(victim, 'SIGKILL');
    await recovered(victims);
  },
};
