import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault } from '../fault.ts';

export const nginxKilled: Fault = {
  name: 'nginx-killed',
  what: 'kill -9 of the nginx master',
  mayLose: 'who connects before the next nginx listens is refused',
  strike: async ({ server, recovered }) => {
    const old = server.nginx();
    process.kill(old, 'SIGKILL');
    await eventually('another nginx', () => server.said().includes('nginx was started again'), 15_000);
    await recovered();
  },
};
