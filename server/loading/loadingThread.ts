import { Worker } from 'node:worker_threads';
import { deadline } from '../platform/deadline.ts';
import type { ExplainedFiles } from './explanation/files.ts';
import type { ExplainReply, ImportanceReply, LoadReply, LoadTask, ThreadTask } from './messages.ts';

/** Time that a thread without work is kept: new versions often come together. */
const IDLE_MS = 3000;

/** Heap of a loading thread. The weights of a model stay outside of it. */
const MAX_HEAP_MIB = 1024;

export interface LoadingThreadOptions {
  /** The thread's entry: loading/thread.ts once built. */
  readonly entry: URL;
  /** Time to read and compile one version. */
  readonly timeoutMs: number;
  readonly maxHeapMib?: number;
}

/** A thread that reads and compiles versions, beside the event loop that answers requests. It lives only while it loads. */
export interface LoadingThread {
  /** One at a time. Never rejects: a thread that dies is a refusal, too. */
  load(task: LoadTask): Promise<LoadReply>;
  /** As `load`, for what explanations of a version need. */
  explain(task: ExplainedFiles): Promise<ExplainReply>;
  importance(task: ExplainedFiles): Promise<ImportanceReply>;
  /** Ends the thread, also at work: it runs JavaScript only. */
  close(): Promise<void>;
}

const reasonOf = (error: NodeJS.ErrnoException, maxHeapMib: number): string =>
  error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? `loading it takes more than the ${maxHeapMib} MiB of heap that a loading thread has`
    : `the thread that loads it died: ${error.message.split('\n', 1)[0]}`;

type AnyReply = LoadReply | ExplainReply | ImportanceReply;
type Refused = Extract<LoadReply, { readonly ok: false }>;

/** Sends a task to a thread that has no other. */
const ask = <R extends AnyReply>(
  worker: Worker,
  task: ThreadTask,
  maxHeapMib: number,
): Promise<R | Refused> =>
  new Promise((resolve) => {
    const onError = (error: Error): void => finish({ ok: false, reason: reasonOf(error, maxHeapMib) });
    const onExit = (): void => finish({ ok: false, reason: 'the thread that loads it ended' });
    const finish = (reply: R | Refused): void => {
      worker.off('message', finish).off('error', onError).off('exit', onExit);
      resolve(reply);
    };
    worker.on('message', finish).on('error', onError).on('exit', onExit);
    worker.postMessage(task);
  });

export function createLoadingThread(options: LoadingThreadOptions): LoadingThread {
  const { entry, timeoutMs, maxHeapMib = MAX_HEAP_MIB } = options;
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const start = (): Worker => {
    const started = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: maxHeapMib } });
    const forget = (): void => {
      if (worker === started) worker = undefined;
    };
    // Its task learns of both, too.
    started.once('exit', forget).on('error', forget);
    return started;
  };
  const close = async (): Promise<void> => {
    clearTimeout(idle);
    const ended = worker;
    worker = undefined;
    await ended?.terminate();
  };
  const next = async <R extends AnyReply>(task: ThreadTask): Promise<R | Refused> => {
    clearTimeout(idle);
    const used = (worker ??= start());
    try {
      const reply = await deadline(ask<R>(used, task, maxHeapMib), timeoutMs, 'reading and compiling it');
      if (worker === used) idle = setTimeout(() => void close(), IDLE_MS).unref();
      return reply;
    } catch (error) {
      await close();
      return { ok: false, reason: (error as Error).message };
    }
  };
  const inTurn = <R extends AnyReply>(task: ThreadTask): Promise<R | Refused> => {
    const reply = last.then(() => next<R>(task));
    last = reply;
    return reply;
  };
  return {
    load: (task) => inTurn<LoadReply>(task),
    explain: (task) => inTurn<ExplainReply>({ ...task, kind: 'explain' }),
    importance: (task) => inTurn<ImportanceReply>({ ...task, kind: 'importance' }),
    close,
  };
}
