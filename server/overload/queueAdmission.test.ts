import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATE_IN_A_ROW, createQueueAdmission } from './queueAdmission.ts';

const LIMIT = 100;

function refuses(enter: () => void): boolean {
  try {
    enter();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded' });
    return true;
  }
}

describe('the queue admission', () => {
  it('admits rows up to its bound, and refuses more', () => {
    const admission = createQueueAdmission(LIMIT);
    admission.enter(60);
    admission.enter(40);
    expect(refuses(() => admission.enter(1))).toBe(true);
    expect(admission.waitingRows).toBe(100);
    admission.leave(1);
    admission.enter(1);
    expect(admission.waitingRows).toBe(100);
  });

  it('admits a request of any size while nothing waits', () => {
    const admission = createQueueAdmission(LIMIT);
    admission.enter(10 * LIMIT);
    expect(refuses(() => admission.enter(1))).toBe(true);
    admission.leave(10 * LIMIT);
    admission.enter(10 * LIMIT);
  });

  it('queues admitted rows again, above the limit if need be', () => {
    const admission = createQueueAdmission(LIMIT);
    admission.enter(LIMIT);
    admission.leave(50);
    admission.enter(50);
    admission.reenter(50);
    expect(admission.waitingRows).toBe(150);
  });

  it('never admits more rows than the limit, except into an empty queue', () => {
    const steps = fc.array(fc.record({ enters: fc.boolean(), rows: fc.integer({ min: 1, max: 150 }) }));
    fc.assert(
      fc.property(steps, (commands) => {
        const admission = createQueueAdmission(LIMIT);
        const waiting: number[] = [];
        const sum = (): number => waiting.reduce((total, rows) => total + rows, 0);
        for (const { enters, rows } of commands) {
          const before = sum();
          if (enters) {
            const refused = refuses(() => admission.enter(rows));
            expect(refused).toBe(before > 0 && before + rows > LIMIT);
            if (!refused) waiting.push(rows);
          } else if (waiting.length > 0) {
            admission.leave(waiting.shift() as number);
          }
          expect(admission.waitingRows).toBe(sum());
        }
      }),
    );
  });
});

describe('requests that start late', () => {
  it('refuse others while rows wait, but not a few of them, and not in an empty queue', () => {
    const admission = createQueueAdmission(LIMIT, 1000);
    admission.enter(50);
    for (let index = 0; index < LATE_IN_A_ROW; index++) admission.began(1001);
    admission.enter(1);
    admission.began(1001);
    expect(admission.late).toBe(true);
    expect(refuses(() => admission.enter(1))).toBe(true);
    admission.leave(51);
    expect(admission.late).toBe(false);
    admission.enter(1);
    expect(admission.late).toBe(true);
    admission.began(1000);
    expect(admission.late).toBe(false);
  });
});
