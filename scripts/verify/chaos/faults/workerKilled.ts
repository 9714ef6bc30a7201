import type { Fault } from '../fault.ts';
import { replaceWorker } from './replaceWorker.ts';

export const workerKilled: Fault = {
  name: 'worker-killed',
  what: 'kill -9 of an nginx worker',
  mayLose: 'its connections are cut; who sends again is answered',
  times: 3,
  strike: replaceWorker('SIGKILL'),
};
