import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from './context.ts';
import { LOOPBACK } from './context.ts';
import { Failure, Interrupted } from '../../cli/faults.ts';
import { requireProgram } from './programs.ts';
import type { Latency } from './results.ts';
import { many } from './text.ts';

/** A request that takes longer counts as an error. */
const REQUEST_TIMEOUT_SECONDS = 30;
/** How long wrk may run beyond its duration before it is killed. */
const GRACE_MS = 15_000;
/** Begins the one line of wrk's output that is read. */
const MARK = 'servemodel-bench ';

/** Where requests go. */
export interface Target {
  /** What is measured, for messages. */
  readonly name: string;
  readonly port: number;
  readonly path: string;
}

/** A closed loop: each connection sends its next body when it has the answer to the last one. */
export interface Load {
  /** Made by `writeLoad`. */
  readonly script: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly latencyMs: Latency;
  /** Errors by kind; 0 each in a good run. */
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'timeout' | 'status', number>>;
}

/** `done` writes integers because wrk's own report rounds to three digits: 0.06 ms must differ from 0.05. */
const script = (bodies: string): string => `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies = {}
for line in io.lines(${JSON.stringify(bodies)}) do bodies[#bodies + 1] = line end
if #bodies == 1 then
  wrk.body = bodies[1]
else
  -- Formatted once: a request is then one look-up.
  local requests, at = {}, 0
  function init()
    for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
  end
  function request()
    at = at % #requests + 1
    return requests[at]
  end
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '${MARK}{"requests":%d,"microseconds":%d,"p50":%d,"p75":%d,"p90":%d,"p99":%d,"max":%d,' ..
      '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(75), latency:percentile(90),
    latency:percentile(99), latency.max, errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
`;

/**
 * Writes wrk's script for some bodies, which a connection sends in turn.
 *
 * @param bodies JSON texts without line breaks
 * @returns the script's path
 */
export async function writeLoad({ folder }: Context, bodies: readonly string[]): Promise<string> {
  const own = await mkdtemp(join(folder, 'load.'));
  const file = join(own, 'bodies.jsonl');
  await writeFile(file, bodies.map((body) => `${body}\n`).join(''));
  const path = join(own, 'load.lua');
  await writeFile(path, script(file));
  return path;
}

/** Reads the line that the script writes at the end of a run; undefined without one. */
export function parseWrk(output: string): WrkResult | undefined {
  const line = output.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (line === undefined) return undefined;
  const read = JSON.parse(line.slice(MARK.length)) as Record<string, number>;
  const value = (name: string): number => read[name] ?? 0;
  const milliseconds = (name: string): number => value(name) / 1000;
  return {
    requests: value('requests'),
    seconds: value('microseconds') / 1e6,
    latencyMs: {
      p50: milliseconds('p50'),
      p75: milliseconds('p75'),
      p90: milliseconds('p90'),
      p99: milliseconds('p99'),
      max: milliseconds('max'),
    },
    errors: {
      connect: value('connect'),
      read: value('read'),
      write: value('write'),
      timeout: value('timeout'),
      status: value('status'),
    },
  };
}

/** What went wrong in a run, or undefined. */
function complaint({ requests, errors }: WrkResult): string | undefined {
  const { status, ...sockets } = errors;
  const failed = Object.entries(sockets).filter(([, count]) => count > 0);
  if (status > 0) return `answered ${status} of ${requests} requests with an error status`;
  if (failed.length > 0) return `socket errors: ${failed.map((entry) => entry.join(' ')).join(', ')}`;
  return requests === 0 ? 'answered no request in time' : undefined;
}

/**
 * Sends requests in a closed loop. One thread: a second one would take CPU time from the server.
 *
 * @throws {Failure} for any answer but 2xx and 3xx, any socket error, and when there is no answer at all
 */
export async function runWrk({ signal }: Context, target: Target, load: Load): Promise<WrkResult> {
  signal.throwIfAborted();
  const { connections, seconds } = load;
  const output = await runToEnd(
    requireProgram('wrk'),
    [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      `--timeout=${REQUEST_TIMEOUT_SECONDS}s`,
      '-s',
      load.script,
      `http://${LOOPBACK}:${target.port}${target.path}`,
    ],
    seconds * 1000 + GRACE_MS,
    signal,
  );
  if (signal.aborted) throw new Interrupted();
  const result = parseWrk(output);
  const fault = result ? complaint(result) : `wrk failed: ${output.trim() || 'it was silent for too long'}`;
  if (fault !== undefined) throw new Failure(`${target.name}, ${many(connections, 'connection')}: ${fault}`);
  return result as WrkResult;
}

/** Runs a program and resolves with all that it wrote. Kills it after the timeout or an abort. */
export function runToEnd(
  command: string,
  args: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }
    const kill = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(kill, timeoutMs);
    signal.addEventListener('abort', kill, { once: true });
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
      resolve(output);
    };
    child.once('error', (error) => {
      output += error.message;
      end();
    });
    child.once('close', end);
  });
}
