import type { Fault } from '../fault.ts';
import { replaceWorker } from './replaceWorker.ts';

export const workerFrozen: Fault = {
  name: 'worker-frozen',
  what: 'SIGSTOP of an nginx worker',
  mayLose: 'its connections are cut after 2 to 3 s; who sends again is answered',
  strike: replaceWorker('SIGSTOP'),
};
