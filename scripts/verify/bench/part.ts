import type { Bound } from './bound.ts';
import type { Context } from './context.ts';
import type { Loads } from './loads.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';
import type { Results } from './results.ts';
import type { Table } from './rows.ts';
import type { Subject, SubjectName } from './subjects/subject.ts';

/** What a part measures with. */
export interface Stage {
  readonly context: Context;
  readonly plan: Plan;
  /** A model repository that holds the measured version alone. */
  readonly repository: string;
  /** The model's test split. */
  readonly table: Table;
  readonly loads: Loads;
  /** The running subjects of all parts with `needs`. */
  readonly subjects: readonly Subject[];
}

/** Subjects to start, and the sizes of bodies for which their answers are compared first. */
export interface Needs {
  readonly subjects: readonly SubjectName[];
  readonly rows: readonly number[];
}

/** One part of a run: a file in parts/ and its line in catalogue.ts. */
export interface Part<Result = unknown> {
  readonly name: string;
  /** The name of the result in the JSON file. */
  readonly field: string;
  /** Without it, the part runs before the subjects are started. */
  needs?(plan: Plan): Needs;
  /** How often `run` calls `progress.step`. */
  steps(stage: Stage): number;
  /** @throws {Failure} */
  run(stage: Stage, progress: Progress): Promise<Result>;
  /** The section of the report. */
  table?(result: Result): string;
  /** @param result undefined when the part didn't run: each bound is listed all the same */
  bounds?(result: Result | undefined, results: Results): Bound[];
}
