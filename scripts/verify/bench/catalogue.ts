import type { Verdict } from './bound.ts';
import { judge } from './bound.ts';
import type { Part } from './part.ts';
import { compiler } from './parts/compiler.ts';
import { drift } from './parts/drift.ts';
import { explain } from './parts/explain.ts';
import { file } from './parts/file.ts';
import { grpc } from './parts/grpc.ts';
import { idle } from './parts/idle.ts';
import { load } from './parts/load.ts';
import { memory } from './parts/memory.ts';
import { models } from './parts/models.ts';
import { neighbour } from './parts/neighbour.ts';
import { overload } from './parts/overload.ts';
import { rounds } from './parts/rounds.ts';
import { scrape } from './parts/scrape.ts';
import { start } from './parts/start.ts';
import type { Results } from './results.ts';

/** Every part, in the order of the report. Memory comes before all that could share memory with the server. */
export const PARTS: readonly Part[] = [
  rounds,
  file,
  neighbour,
  memory,
  start,
  overload,
  compiler,
  load,
  scrape,
  drift,
  explain,
  grpc,
  idle,
  models,
];

/** The verdict on every bound. */
export const judgeAll = (results: Results): Verdict[] =>
  PARTS.flatMap((part) => part.bounds?.(results[part.field], results) ?? []).map(judge);
