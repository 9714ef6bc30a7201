import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { ModelRefused } from '../model/refused.ts';
import { handOver } from '../platform/handOver.ts';
import { loadVersion } from './loadVersion.ts';
import type { ExplainReply, ImportanceReply, LoadReply, ThreadTask } from './messages.ts';

/** Of the thread, on Linux: the threads that answer requests come first on a busy machine. */
const NICENESS = 5;

/** Loaded at the first use. */
const explanations = () => import('./explanation/loadExplanation.ts');

async function reply(task: ThreadTask): Promise<LoadReply | ExplainReply | ImportanceReply> {
  try {
    if (!('kind' in task)) return { ok: true, version: await loadVersion(task) };
    const { loadExplanation, loadImportance } = await explanations();
    if (task.kind === 'importance') return { ok: true, version: await loadImportance(task) };
    return { ok: true, version: await loadExplanation(task) };
  } catch (error) {
    if (error instanceof ModelRefused) return { ok: false, reason: error.reason };
    // Node's error for memory that the system doesn't give.
    if (error instanceof RangeError && error.message.includes('allocation failed'))
      return { ok: false, reason: 'loading it takes more memory than there is' };
    throw error;
  }
}

if (process.platform === 'linux') setPriority(NICENESS);
/** One version after the other. */
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (task: ThreadTask) => {
  last = last.then(async () => {
    const message = await reply(task);
    parentPort?.postMessage(
      message,
      message.ok && message.version && 'onnx' in message.version ? handOver(message.version.onnx) : [],
    );
  });
});
