import { afterEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../testing/withDeadline.ts';
import type { LoadingThread } from './loadingThread.ts';
import { createLoadingThread } from './loadingThread.ts';
import type { LoadTask } from './messages.ts';

const TASK: LoadTask = {
  candidate: { name: 'm', version: 1, id: 'm/1', fingerprint: '', folder: '/nowhere', root: '/nowhere' },
  compile: true,
  trusted: false,
  maxModelBytes: 1,
};

const started: LoadingThread[] = [];
afterEach(() =>
  withDeadline('the end of the threads', Promise.all(started.splice(0).map(({ close }) => close()))),
);

/** A thread that does this with each task. */
function startThread(onTask: string, timeoutMs = 20_000): LoadingThread {
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', (task) => { ${onTask} });`;
  const entry = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const thread = createLoadingThread({ entry, timeoutMs, maxHeapMib: 64 });
  started.push(thread);
  return thread;
}

const load = (thread: LoadingThread) => withDeadline('the reply', thread.load(TASK), 20_000);

describe('a loading thread', () => {
  it('answers one task after the other', async () => {
    const thread = startThread("parentPort.postMessage({ ok: false, reason: 'as wanted' })");
    const replies = await Promise.all([load(thread), load(thread), load(thread)]);
    expect(replies).toEqual(Array.from({ length: 3 }, () => ({ ok: false, reason: 'as wanted' })));
  });

  it.each([
    [
      'out of memory',
      'const hoard = []; for (;;) hoard.push(new Array(1e5).fill(task));',
      'loading it takes more than the 64 MiB of heap that a loading thread has',
    ],
    ['that throws', "throw new Error('broken\\nmore')", 'the thread that loads it died: broken'],
    ['that exits', 'process.exit(3)', 'the thread that loads it ended'],
    ['that never answers', '', 'reading and compiling it: not within 500 ms'],
  ])('%s refuses the version in one line, and another thread loads the next', async (_, onTask, reason) => {
    const once = `if (task.candidate.id === 'm/1') { ${onTask} } else parentPort.postMessage({ ok: false, reason: 'next' })`;
    const thread = startThread(once, onTask === '' ? 500 : 20_000);
    expect(await load(thread)).toEqual({ ok: false, reason });
    // The time of a thread begins before it has started.
    const next = { ...TASK, candidate: { ...TASK.candidate, id: 'm/2' } };
    const patient = onTask === '' ? startThread(once) : thread;
    expect(await withDeadline('the reply', patient.load(next), 20_000)).toEqual({
      ok: false,
      reason: 'next',
    });
  });

  it('ends at once while it computes', async () => {
    const thread = startThread('for (;;);');
    const reply = load(thread);
    await new Promise(setImmediate);
    await withDeadline('its end', thread.close(), 5000);
    expect(await reply).toEqual({ ok: false, reason: 'the thread that loads it ended' });
  });
});
