import type { Fault } from '../fault.ts';
import { onProcesses } from './onProcesses.ts';

export const processFrozen: Fault = {
  name: 'process-frozen',
  what: 'SIGSTOP of a server process',
  times: 2,
  strike: onProcesses('SIGSTOP'),
};
