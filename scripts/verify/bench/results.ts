import type { Pair } from '../../../worker/forest/testing/measure.ts';

/** What a run measured: the shape of its JSON file. Bumped when an older file can't be read any more. */
export const SCHEMA = 1;

/** One size of the work: rows in a body, connections that send such bodies without pause. */
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

/** p99 of single rows, in ms, alone and beside a client that sends 10,000-row bodies; one value a round each. */
export interface NeighbourResult {
  readonly connections: number;
  readonly aloneMs: readonly number[];
  readonly besideMs: readonly number[];
}

/** Memory of the server's whole process tree while it answers single rows. */
export interface MemoryResult {
  readonly requests: number;
  readonly samples: readonly MemorySample[];
}

export interface MemorySample {
  /** Since the load began. */
  readonly seconds: number;
  readonly pssBytes: number;
}

/** The compiled model against ONNX Runtime, without HTTP, by rows a call. */
export interface CompilerResult {
  /** The forest alone, on a ready matrix. */
  readonly kernel: readonly Pair[];
  /** From a request's values to its answers. */
  readonly path: readonly Pair[];
}

/** What it costs to count how rows lie, for requests of one row. */
export interface DriftCostResult {
  /** CPU time of the server's whole process tree a request, in µs; one value a round each. */
  readonly onMicroseconds: readonly number[];
  readonly offMicroseconds: readonly number[];
  /** In the server process, without HTTP, in µs: of a row that is looked at, and of one where most are left out. */
  readonly lookedAtMicroseconds: number;
  readonly sampledMicroseconds: number;
}

/** Seconds that the model took to load, by ENGINE. */
export interface LoadResult {
  readonly auto: readonly number[];
  readonly onnxruntime: readonly number[];
}

/** Scrapes of a server that does nothing else. */
export interface ScrapeResult {
  readonly processes: number;
  /** Lines of an answer. */
  readonly series: number;
  /** From the question to the whole answer, each time. */
  readonly milliseconds: readonly number[];
  /** CPU time of all processes for one. */
  readonly cpuMilliseconds: number;
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
  /** How the server ran the model, as its metadata say. */
  readonly engine: string;
  readonly machine: Machine;
  readonly noise: Noise;
  readonly settings: Settings;
  readonly cells: readonly CellResult[];
  /** Empty when not measured, like the two below. */
  readonly neighbour: readonly NeighbourResult[];
  readonly memory: readonly MemoryResult[];
  /** Seconds from the start of servemodel.sh to the first 200 of /health/ready. */
  readonly startSeconds: readonly number[];
  /** Undefined when not measured, like the next. */
  readonly compiler?: CompilerResult | undefined;
  readonly load?: LoadResult | undefined;
  readonly scrape?: ScrapeResult | undefined;
  readonly drift?: DriftCostResult | undefined;
}

/** The samples of one subject in one cell; none when it wasn't measured. */
export function samplesOf(results: Results, subject: string, { rows, connections }: Cell): readonly Sample[] {
  const found = results.cells.find(
    (cell) => cell.subject === subject && cell.rows === rows && cell.connections === connections,
  );
  return found?.samples ?? [];
}
