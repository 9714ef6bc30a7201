import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../../../../server/testing/load.ts';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault, Scene } from '../fault.ts';
import { LONG_SILENCE_MS } from '../fault.ts';
import { describeLoss } from '../result.ts';

/** The pid of the nginx master, or undefined while there is none. */
function masterOf({ server }: Scene): number | undefined {
  try {
    return server.nginx();
  } catch {
    return undefined;
  }
}

/** Sends a signal to one nginx worker after the other, and waits for another in its place. */
const replaceWorkers =
  (signal: NodeJS.Signals) =>
  async ({ server, chance, times, load, recovered }: Scene): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(server.nginxWorkers());
      const isReplaced = (): boolean => {
        const workers = server.nginxWorkers();
        return workers.length > 0 && !workers.includes(victim);
      };
      process.kill(victim, signal);
      await eventually('another worker', isReplaced, 15_000);
      await recovered();
      await load.more(100, 30_000);
    }
  };

export const workerKilled: Fault = {
  name: 'worker-killed',
  what: 'kill -9 of an nginx worker',
  mayLose: 'its connections are cut; a request that is sent again is answered',
  times: 3,
  strike: replaceWorkers('SIGKILL'),
};

export const workerFrozen: Fault = {
  name: 'worker-frozen',
  what: 'SIGSTOP of an nginx worker',
  mayLose: 'its connections are cut after 2 to 3 s; a request that is sent again is answered',
  strike: replaceWorkers('SIGSTOP'),
};

export const nginxKilled: Fault = {
  name: 'nginx-killed',
  what: 'kill -9 of the nginx master',
  mayRefuse: 'connections, until the next nginx listens',
  strike: async (scene) => {
    const { server, cases, recovered } = scene;
    const old = server.nginx();
    process.kill(old, 'SIGKILL');
    const isReplaced = (): boolean => {
      const master = masterOf(scene);
      return master !== undefined && master !== old;
    };
    await eventually('another nginx', isReplaced, 15_000);
    await recovered();
    // The clients of the steady load ended when they were refused.
    const again = await startLoad({ port: server.port, connections: 4, cases, requests: 100 }).done;
    if (again.right < 100) throw new Error(`the next nginx lost requests: ${describeLoss(again)}`);
  },
};

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
