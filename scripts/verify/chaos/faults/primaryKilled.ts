import type { Fault } from '../fault.ts';

export const primaryKilled: Fault = {
  name: 'primary-killed',
  what: 'kill -9 of the primary',
  mayLose: 'the server ends: what it has is answered, new connections are refused',
  endsWith: 137,
  strike: ({ server }) => {
    process.kill(server.primary(), 'SIGKILL');
    return Promise.resolve();
  },
};
