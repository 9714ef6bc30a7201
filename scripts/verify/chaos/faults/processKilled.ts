import type { Fault } from '../fault.ts';
import { onProcesses } from './onProcesses.ts';

export const processKilled: Fault = {
  name: 'process-killed',
  what: 'kill -9 of a server process',
  times: 5,
  strike: onProcesses('SIGKILL'),
};
