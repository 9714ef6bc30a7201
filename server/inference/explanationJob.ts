import { combine, seedOf } from '../../worker/explanation/sampling.ts';
import type { ExplainTask, PreparedExplanation, SampledExplanation } from '../../worker/protocol.ts';
import type { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';

/** Of a linear model, or of parts of a sampled explanation, in a slice. */
const MOST_UNITS = 4096;

/** The contributions to the answers of a request's rows. */
export interface Contributions {
  readonly base: readonly number[];
  /** [rows, outputs, columns]. */
  readonly contributions: Float64Array;
  /** Of sampled contributions, of the same shape. */
  readonly standardErrors?: Float64Array;
}

/** A request's rows on their way through the threads, in units: a row, or a part of a sampled row. */
export interface ExplanationJob {
  readonly model: Model;
  readonly prepared: PreparedExplanation;
  readonly rows: EncodedRows;
  readonly requestId: string;
  readonly units: number;
  /** [units, numbers of a unit]. */
  readonly results: Float64Array;
  base: Float64Array;
  sent: number;
  done: number;
  settled: boolean;
  readonly end: (error?: Problem) => void;
}

/** Units that a row has. */
export const unitsOf = (prepared: PreparedExplanation): number =>
  prepared.kind === 'sampled' ? prepared.plan.parts : 1;

/** Units of a slice at most. */
export const mostUnits = (prepared: PreparedExplanation): number =>
  prepared.kind === 'trees' ? prepared.mostRows : MOST_UNITS;

/** Numbers that a thread computes of a unit. */
export const numbersOf = (prepared: PreparedExplanation): number =>
  prepared.outputs * (prepared.kind === 'sampled' ? prepared.plan.perPart : prepared.columns);

/** @param onEnd is called once, when all units are done or with an error */
export function createJob(
  model: Model,
  prepared: PreparedExplanation,
  rows: EncodedRows,
  requestId: string,
  onEnd: (error?: Problem) => void,
): ExplanationJob {
  const units = rows.rows * unitsOf(prepared);
  const job: ExplanationJob = {
    ...{ model, prepared, rows, requestId, units },
    results: new Float64Array(units * numbersOf(prepared)),
    base: new Float64Array(0),
    sent: 0,
    done: 0,
    settled: false,
    end: (error) => {
      if (job.settled) return;
      job.settled = true;
      onEnd(error);
    },
  };
  return job;
}

/** The task of some units. */
export function taskOf(
  { prepared, rows: { rows, cells, texts } }: Pick<ExplanationJob, 'prepared' | 'rows'>,
  from: number,
  count: number,
): Pick<ExplainTask, 'rows' | 'cells' | 'texts' | 'parts'> {
  const units = unitsOf(prepared);
  const [first, end] = [Math.floor(from / units), Math.ceil((from + count) / units)];
  const width = cells.length / rows;
  return {
    rows: end - first,
    cells: cells.slice(first * width, end * width),
    texts: texts
      .filter(({ row }) => row >= first && row < end)
      .map((cell) => ({ ...cell, row: cell.row - first })),
    ...(prepared.kind === 'sampled' && { parts: { from: from - first * units, count } }),
  };
}

function combineRows(
  { plan, outputs, columns }: SampledExplanation,
  { rows: { rows, cells, texts }, results, base }: ExplanationJob,
): Contributions {
  const [width, size] = [cells.length / rows, outputs * columns];
  const numbers = results.length / rows;
  const contributions = new Float64Array(rows * size);
  const standardErrors = plan.method === 'permutation' ? new Float64Array(rows * size) : undefined;
  for (let row = 0; row < rows; row++) {
    const own = texts.filter((cell) => cell.row === row);
    const seed = seedOf(cells.subarray(row * width, (row + 1) * width), own);
    const values = results.subarray(row * numbers, (row + 1) * numbers);
    const combined = combine(plan, seed, values, base);
    contributions.set(combined.contributions, row * size);
    if (combined.errors) standardErrors?.set(combined.errors, row * size);
  }
  return { base: [...base], contributions, ...(standardErrors && { standardErrors }) };
}

/** What a job found, once all of its units are done. */
export function contributionsOf(job: ExplanationJob): Contributions {
  const { prepared, results } = job;
  if (prepared.kind !== 'sampled') return { base: prepared.base, contributions: results };
  if (job.units > 0) return combineRows(prepared, job);
  return { base: new Array<number>(prepared.outputs).fill(0), contributions: results };
}
