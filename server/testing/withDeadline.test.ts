import { describe, expect, it } from 'vitest';
import { eventually, withDeadline } from './withDeadline.ts';

describe('withDeadline', () => {
  it('passes on what the promise comes to', async () => {
    expect(await withDeadline('an answer', Promise.resolve(7))).toBe(7);
    await expect(withDeadline('an answer', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('fails with the name of what was waited for', async () => {
    await expect(withDeadline('an answer', new Promise(() => {}), 10)).rejects.toThrow(/an answer.* 10 ms/);
  });
});

describe('eventually', () => {
  it('calls until there is a value', async () => {
    let calls = 0;
    expect(await eventually('the third time', () => (++calls === 3 ? 'here' : undefined))).toBe('here');
    expect(calls).toBe(3);
    expect(await eventually('a zero', () => 0)).toBe(0);
  });

  it('fails with the name of what never came, or of a question that hangs', async () => {
    await expect(eventually('the end', () => false, 20)).rejects.toThrow(/the end.* ms/);
    await expect(eventually('the end', () => new Promise<boolean>(() => {}), 20)).rejects.toThrow(
      /the end.* ms/,
    );
  });
});
