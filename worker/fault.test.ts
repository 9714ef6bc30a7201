import { describe, expect, it } from 'vitest';
import { TaskFault, toFault } from './fault.ts';

describe('toFault', () => {
  it('keeps the code of a fault, and gives any other error the given one', () => {
    expect(toFault(new TaskFault('checksum_mismatch', 'd'), 'run_failed')).toEqual({
      ok: false,
      code: 'checksum_mismatch',
      detail: 'd',
    });
    expect(toFault(new Error('boom'), 'run_failed')).toEqual({
      ok: false,
      code: 'run_failed',
      detail: 'boom',
    });
    expect(toFault('thrown text', 'model_unreadable').detail).toBe('thrown text');
  });

  it('is one line, and survives the thread border', () => {
    const fault = toFault(new Error('first\nsecond'), 'run_failed');
    expect(fault.detail).toBe('first');
    expect(structuredClone(fault)).toEqual(fault);
  });
});
