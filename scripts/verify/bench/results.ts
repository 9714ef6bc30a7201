/** Of the JSON file of a run. Raised when older files can't be read any more. */
export const SCHEMA = 1;

/** One size of load: rows in a body, and connections that send such bodies without a pause. */
export interface Cell {
  readonly rows: number;
  readonly connections: number;
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** One subject under one cell's load in one round. */
export interface Sample {
  /** Counted from 1. */
  readonly round: number;
  readonly seconds: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** User and system time of the subject's whole process tree for each request, in µs. */
  readonly cpuMicroseconds: number;
  readonly latencyMs: Latency;
}

export interface CellResult extends Cell {
  readonly subject: string;
  readonly samples: readonly Sample[];
}

export interface Machine {
  readonly cpuModel: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Shares of the machine's CPU time while it was measured that went elsewhere, from 0 to 1. */
export interface Noise {
  /** To other programs. */
  readonly othersShare: number;
  /** To other virtual machines. */
  readonly stolenShare: number;
}

export interface Settings {
  readonly rounds: number;
  readonly secondsPerSample: number;
  readonly processes: number;
  readonly threadsPerProcess: number;
}

export interface Results {
  readonly schema: typeof SCHEMA;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly version: string;
  /** How the server ran the model, from its metadata. */
  readonly engine: string;
  readonly machine: Machine;
  readonly noise: Noise;
  readonly settings: Settings;
  /** The result of the part rounds; empty when it didn't run. */
  readonly cells: readonly CellResult[];
  /** The results of the other parts that ran, by `Part.field`. */
  readonly [field: string]: unknown;
}

/** The samples of one subject in one cell; empty when it wasn't measured. */
export function samplesOf(results: Results, subject: string, { rows, connections }: Cell): readonly Sample[] {
  const found = results.cells.find(
    (cell) => cell.subject === subject && cell.rows === rows && cell.connections === connections,
  );
  return found?.samples ?? [];
}
