import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from '../../cli/errors.ts';
import type { ProcessStat } from './processTree.ts';
import { readProcess, readTree } from './processTree.ts';

/** servemodel.sh drains for at most 10 s. */
const STOP_TIMEOUT_MS = 12_000;
const CLOSE_TIMEOUT_MS = 1000;
const LOG_CHARACTERS = 4000;

export interface ChildOptions {
  /** What it is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that was started here, and that is ended here. */
export interface Child {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves with what ended it: `code N` or a signal's name. */
  readonly ended: Promise<string>;
  /** Rejects, with the end of its log, as soon as it ends without having been told to. */
  readonly failed: Promise<never>;
  /** The last it wrote to its standard output and error. */
  log(): string;
  /** Ends it and everything that it started. */
  stop(): Promise<void>;
}

/** Starts a program. It leads a process group of its own: a terminal's Ctrl-C comes to the bench alone. */
export function startChild({ name, command, args, cwd, env }: ChildOptions): Child {
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  const pid = child.pid ?? 0;
  let log = '';
  let running = true;
  let stopping = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_CHARACTERS)));
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Not 'exit': what it wrote last may still be on its way.
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  }).then((how) => {
    running = false;
    return how;
  });
  const failed = ended.then((how) => {
    if (stopping) return new Promise<never>(() => {});
    throw new BenchError(`${name} ended with ${how}${log === '' ? '' : `:\n${log.trimEnd()}`}`);
  });
  // Whoever waits for something of it races with this; meanwhile nobody listens.
  failed.catch(() => {});

  return {
    pid,
    get running() {
      return running;
    },
    ended,
    failed,
    log: () => log,
    stop: async () => {
      stopping = true;
      if (!running) return;
      const tree = readTree([pid]);
      child.kill('SIGTERM');
      await within(STOP_TIMEOUT_MS, Promise.race([once(child, 'exit').catch(() => {}), ended]));
      for (const process of tree) killIfSame(process);
      // With the last holder of its output gone.
      await within(CLOSE_TIMEOUT_MS, ended);
    },
  };
}

/** Waits for a promise that never rejects, but not longer than this. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
}

/** Ends what outlived its parent. Only by pid and start time: the pid alone may be another program's by now. */
function killIfSame({ pid, started }: ProcessStat): void {
  if (readProcess(pid)?.started !== started) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}
