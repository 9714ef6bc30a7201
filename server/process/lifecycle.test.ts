import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createLifecycle } from './lifecycle.ts';
import { eventually } from '../testing/withDeadline.ts';

function makeLifecycle() {
  const events: string[] = [];
  const lifecycle = createLifecycle({
    deadlineMs: 1000,
    log: pino({ level: 'silent' }),
    exit: (code) => events.push(`exit ${code}`),
    kill: () => events.push('kill'),
  });
  const note = (event: string) => () => Promise.resolve(void events.push(event));
  const drain = (step = note('step')): Promise<void> =>
    lifecycle.drain({
      stop: () => events.push('stop'),
      steps: [{ name: 'step', deadlineMs: 1000, run: step }],
      last: note('last'),
    });
  return { events, lifecycle, note, drain };
}

it('a process serves while it is admitted and its self-test passes', () => {
  const { lifecycle } = makeLifecycle();
  const selfTest = { passes: true };
  lifecycle.admit(true);
  expect(lifecycle.serving).toBe(false);
  lifecycle.attachSelfTest(selfTest);
  expect(lifecycle.serving).toBe(true);
  selfTest.passes = false;
  expect(lifecycle.serving).toBe(false);
  selfTest.passes = true;
  lifecycle.admit(false);
  expect(lifecycle.serving).toBe(false);
});

it('a drain finishes the requests before its steps, and exits once', async () => {
  const { events, lifecycle, note, drain } = makeLifecycle();
  lifecycle.attachListener({ close: note('requests') });
  await Promise.all([drain(), drain()]);
  lifecycle.giveUp('too late');
  expect(lifecycle.draining).toBe(true);
  expect(events).toEqual(['stop', 'requests', 'step', 'last', 'exit 0']);
});

it('a drain whose step fails ends the process by a kill', async () => {
  const { events, drain } = makeLifecycle();
  await drain(() => Promise.reject(new Error('a thread runs')));
  expect(events).toEqual(['stop', 'last', 'kill']);
});

it('a process that gives up finishes its requests, and is killed', async () => {
  const { events, lifecycle, note } = makeLifecycle();
  lifecycle.attachListener({ close: note('requests') });
  lifecycle.giveUp('a thread is lost');
  expect(lifecycle.draining).toBe(true);
  await eventually('the end', () => events.includes('kill'));
  expect(events).toEqual(['requests', 'kill']);
});
