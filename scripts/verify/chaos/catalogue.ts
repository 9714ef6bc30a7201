import type { Fault } from './fault.ts';
import { clockJumps } from './faults/clockJumps.ts';
import { descriptorsGone } from './faults/descriptorsGone.ts';
import { diskFull } from './faults/diskFull.ts';
import { nginxFrozen } from './faults/nginxFrozen.ts';
import { nginxKilled } from './faults/nginxKilled.ts';
import { outOfMemory } from './faults/outOfMemory.ts';
import { primaryFrozen } from './faults/primaryFrozen.ts';
import { primaryKilled } from './faults/primaryKilled.ts';
import { processCrashes } from './faults/processCrashes.ts';
import { processFrozen } from './faults/processFrozen.ts';
import { processKilled } from './faults/processKilled.ts';
import { processesKilled } from './faults/processesKilled.ts';
import { redisGone } from './faults/redisGone.ts';
import { reloads } from './faults/reloads.ts';
import { s3Gone } from './faults/s3Gone.ts';
import { workerFrozen } from './faults/workerFrozen.ts';
import { workerKilled } from './faults/workerKilled.ts';

/** Every fault that a running server is put through, in this order. */
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
  reloads,
];
