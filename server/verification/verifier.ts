import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Logger } from 'pino';
import { deadline } from '../platform/deadline.ts';
import type { Candidate } from '../repository/listing.ts';
import type { Verified } from '../rollout/openings.ts';
import type { VerifyTask } from './messages.ts';

/** Time that a process without work is kept: versions often come together. */
const IDLE_MS = 1000;
/** The process may have been ended for another reason, such as another program's need of memory. */
const ATTEMPTS = 2;
/** The processes that answer requests come first on a busy machine. */
const NICENESS = 5;

export interface VerifierOptions {
  /** The process's entry: process.ts once built. */
  readonly entry: URL;
  readonly maxModelBytes: number;
  /** Time to compare one version. */
  readonly timeoutMs: number;
  /** Requests are answered meanwhile. */
  readonly beside: () => boolean;
  readonly log: Logger;
}

/**
 * Compares fast paths with ONNX Runtime, in a process that lives only while it compares: with it end the runtime's memory
 * (70 MB, and ten times a large forest's file while it is opened) and any crash that a file causes in the runtime.
 */
export interface Verifier {
  /** Starts the process, which takes a moment, before there is work. */
  start(): void;
  /** One version after the other. Never rejects: a process that dies is a refusal, too. */
  verify(candidate: Candidate): Promise<Verified>;
  /** Ends the process; what it works on gets no verdict. */
  close(): void;
}

/** Sends a task to a process that has no other. @returns its reply, or how it ended instead */
const ask = (child: ChildProcess, task: VerifyTask): Promise<Verified | string> =>
  new Promise((resolve) => {
    const finish = (reply: Verified | string): void => {
      child.off('message', finish).off('exit', onExit).off('error', onError);
      resolve(reply);
    };
    const onExit = (code: number | null, signal: string | null): void =>
      finish(signal ?? `code ${String(code)}`);
    const onError = (error: Error): void => finish(error.message);
    child.on('message', finish).on('exit', onExit).on('error', onError);
    child.send(task, (error) => {
      // Otherwise its exit is known already, and no event follows.
      if (error && (child.exitCode !== null || child.signalCode !== null)) finish(error.message);
    });
  });

export function createVerifier(options: VerifierOptions): Verifier {
  const { entry, maxModelBytes, timeoutMs, beside, log } = options;
  let child: ChildProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  const end = (): void => {
    clearTimeout(idle);
    child?.kill('SIGKILL');
    child = undefined;
  };
  const start = (): ChildProcess => {
    clearTimeout(idle);
    if (child) return child;
    const started = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const forget = (): void => {
      if (child === started) child = undefined;
    };
    started.on('error', forget).on('exit', forget);
    if (beside() && started.pid !== undefined) setPriority(started.pid, NICENESS);
    child = started;
    return started;
  };
  const attempt = async (candidate: Candidate): Promise<Verified | { readonly ended: string }> => {
    try {
      const reply = await deadline(
        ask(start(), { candidate, maxModelBytes }),
        timeoutMs,
        'comparing its fast path with ONNX Runtime',
      );
      return typeof reply === 'string' ? { ended: reply } : reply;
    } catch (error) {
      end();
      return { refusal: (error as Error).message };
    }
  };
  const verifyNext = async (candidate: Candidate): Promise<Verified> => {
    const began = performance.now();
    let how = '';
    for (let tried = 0; tried < ATTEMPTS; tried++) {
      const outcome = await attempt(candidate);
      if (closed) return new Promise(() => {});
      if ('ended' in outcome) {
        how = outcome.ended;
        continue;
      }
      idle = setTimeout(end, IDLE_MS).unref();
      const seconds = (performance.now() - began) / 1000;
      if ('content' in outcome)
        log.info({ model: candidate.id, seconds, reason: outcome.fastRefused }, 'fast path compared');
      return outcome;
    }
    return {
      refusal: `comparing its fast path with ONNX Runtime ended the process that did so (${how}), ${ATTEMPTS} times`,
    };
  };
  return {
    start: () => void start(),
    verify: (candidate) => {
      const verified = last.then(() => verifyNext(candidate));
      last = verified;
      return verified;
    },
    close: () => {
      closed = true;
      end();
    },
  };
}
