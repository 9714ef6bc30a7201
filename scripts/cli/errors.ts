export { Failure as BenchError, Interrupted, UsageError } from './faults.ts';
