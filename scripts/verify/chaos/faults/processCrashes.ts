import type { Fault } from '../fault.ts';
import { onProcesses } from './onProcesses.ts';

export const processCrashes: Fault = {
  name: 'process-crashes',
  what: 'a thread crashes natively (SIGSEGV)',
  times: 3,
  strike: onProcesses('SIGSEGV'),
};
