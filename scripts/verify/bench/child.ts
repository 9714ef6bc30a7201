import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../cli/faults.ts';
import type { ProcessStat } from './processTree.ts';
import { readProcess, readTree } from './processTree.ts';

/** servemodel.sh drains for at most 10 s. */
const STOP_TIMEOUT_MS = 12_000;
const CLOSE_TIMEOUT_MS = 1000;
const LOG_CHARACTERS = 4000;

export interface ChildOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that the bench started. */
export interface Child {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves with `code N` or the name of a signal. */
  readonly ended: Promise<string>;
  /** Rejects with the end of its log when it ends before `stop`. */
  readonly failed: Promise<never>;
  /** The end of what it wrote to stdout and stderr. */
  log(): string;
  /** Ends it and everything that it started. */
  stop(): Promise<void>;
}

/** Starts a program in a process group of its own: a terminal's Ctrl-C reaches the bench alone. */
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
    // Not 'exit': its last output may still be on its way.
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  }).then((how) => {
    running = false;
    return how;
  });
  const failed = ended.then((how) => {
    if (stopping) return new Promise<never>(() => {});
    throw new Failure(`${name} ended with ${how}${log === '' ? '' : `:\n${log.trimEnd()}`}`);
  });
  // Without this, an end while no wait races with `failed` would be an unhandled rejection.
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
      // 'close' comes when the last process that holds its output is gone.
      await within(CLOSE_TIMEOUT_MS, ended);
    },
  };
}

/** Waits for a promise that never rejects, at most `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
}

/** Ends a process that outlived its parent. The start time guards against another program with the same pid. */
function killIfSame({ pid, started }: ProcessStat): void {
  if (readProcess(pid)?.started !== started) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}
