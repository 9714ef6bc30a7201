import { describe, expect, it, vi } from 'vitest';
import type { HeartbeatOptions } from './heartbeat.ts';
import { createHeartbeat } from './heartbeat.ts';
import { BEAT_MS } from '../platform/beat.ts';
import type { MainThread } from '../platform/procStat.ts';

/** A heartbeat of one process, with a clock of its own. */
function beating(options: Partial<HeartbeatOptions> = {}) {
  vi.useFakeTimers();
  let time = 0;
  let thread: MainThread | undefined = { state: 'S', ticks: 7 };
  let answers = true;
  const silences: string[] = [];
  const heartbeat = createHeartbeat({
    stuckMs: 10_000,
    onUnresponsive: (id, silence) => silences.push(`${id} ${silence} at ${time}`),
    look: () => thread,
    now: () => time,
    ...options,
  });
  heartbeat.watch({
    id: 1,
    pid: 1,
    exited: new Promise(() => {}),
  });
  return {
    heartbeat,
    silences,
    set: (next: { answers?: boolean; thread?: MainThread | undefined }) => {
      answers = next.answers ?? answers;
      if ('thread' in next) thread = next.thread;
    },
    /** Advances the time, beat by beat; `each` may change what the process does. */
    pass: (ms: number, each: () => void = () => {}) => {
      for (let passed = 0; passed < ms; passed += BEAT_MS) {
        time += BEAT_MS;
        each();
        vi.advanceTimersByTime(BEAT_MS);
        if (answers) heartbeat.receive(1, { type: 'alive', ready: true });
      }
    },
    /** The whole machine stands still. */
    freeze: (ms: number) => {
      time += ms;
    },
  };
}

describe('the heartbeat', () => {
  it('does not report a process that replies', () => {
    const { pass, silences, heartbeat } = beating();
    pass(20_000);
    expect(silences).toEqual([]);
    expect(heartbeat.isReady(1)).toBe(true);
    heartbeat.stop();
  });

  it('reports a process once that neither replies nor works for 2 s', () => {
    const { pass, set, silences, heartbeat } = beating();
    pass(1000);
    set({ answers: false, thread: { state: 'T', ticks: 7 } });
    pass(1000);
    expect(silences).toEqual([]);
    pass(20_000);
    expect(silences).toEqual(['1 frozen at 3000']);
    expect(heartbeat.isReady(1)).toBe(false);
    heartbeat.stop();
  });

  it('kills a frozen process 1 to 2.5 s after it froze, whenever that was', () => {
    const cases = [5, 250, 500, 750, 995].flatMap((phase) =>
      Array.from({ length: 8 }, (_, at) => [phase, 1000 + 130 * at] as const),
    );
    for (const [phase, frozenAt] of cases) {
      let time = 0;
      const silences: number[] = [];
      vi.useFakeTimers();
      const heartbeat = createHeartbeat({
        stuckMs: 10_000,
        onUnresponsive: () => silences.push(time),
        look: () => ({ state: 'T', ticks: 7 }),
        now: () => time,
      });
      heartbeat.watch({ id: 1, pid: 1, exited: new Promise(() => {}) });
      while (time < 6000) {
        time += 5;
        vi.advanceTimersByTime(5);
        // Its beats come at another time than the looks.
        if (time <= frozenAt && time % BEAT_MS === phase)
          heartbeat.receive(1, { type: 'alive', ready: true });
      }
      heartbeat.stop();
      expect(silences).toHaveLength(1);
      expect((silences[0] as number) - frozenAt, `${frozenAt} ${phase}`).toBeGreaterThanOrEqual(1000);
      expect((silences[0] as number) - frozenAt, `${frozenAt} ${phase}`).toBeLessThan(2500);
    }
  });

  it.each<[why: string, thread: (beat: number) => MainThread | undefined]>([
    ['gets processor time', (beat) => ({ state: 'S', ticks: 7 + beat })],
    ['waits for a processor', () => ({ state: 'R', ticks: 7 })],
    ['waits for a disk', () => ({ state: 'D', ticks: 7 })],
    ['has no readable state', () => undefined],
  ])('waits longer for a process that doesn’t reply, but %s', (_, thread) => {
    const { pass, set, silences, heartbeat } = beating();
    let beat = 0;
    set({ answers: false });
    pass(9000, () => set({ thread: thread(++beat) }));
    expect(silences).toEqual([]);
    pass(1000, () => set({ thread: thread(++beat) }));
    expect(silences).toEqual(['1 stuck at 10000']);
    heartbeat.stop();
  });

  it('starts counting again after the whole machine stood still', () => {
    const { pass, set, freeze, silences, heartbeat } = beating();
    pass(1000);
    set({ answers: false });
    freeze(60_000);
    pass(1000);
    expect(silences).toEqual([]);
    set({ answers: true });
    pass(5000);
    expect(silences).toEqual([]);
    heartbeat.stop();
  });
});
