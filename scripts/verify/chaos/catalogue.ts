import type { Fault } from './fault.ts';
import { grpcProcessKilled, grpcReloads } from './faults/grpc.ts';
import { clockJumps, descriptorsGone, diskFull, outOfMemory } from './faults/machine.ts';
import { largeModelArrives } from './faults/models.ts';
import { nginxFrozen, nginxKilled, workerFrozen, workerKilled } from './faults/nginx.ts';
import { primaryFrozen, primaryKilled } from './faults/primary.ts';
import {
  processCrashes,
  processFrozen,
  processKilled,
  processesKilled,
  reloads,
} from './faults/processes.ts';
import { redisGone, s3Gone } from './faults/services.ts';

/** Every fault but `terms`, in the order of a run. */
export const CATALOGUE: readonly Fault[] = [
  processKilled,
  processCrashes,
  processFrozen,
  processesKilled,
  workerKilled,
  workerFrozen,
  nginxKilled,
  nginxFrozen,
  primaryFrozen,
  primaryKilled,
  outOfMemory,
  diskFull,
  descriptorsGone,
  clockJumps,
  s3Gone,
  redisGone,
  largeModelArrives,
  grpcProcessKilled,
  grpcReloads,
  reloads,
];
