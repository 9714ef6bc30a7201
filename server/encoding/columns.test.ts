import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Input } from '../model/signature.ts';
import { createColumnFinder } from './columns.ts';

const inputs = ['a', 'b', 'c'].map((name): Input => ({ name, onnx: name, type: 'number', nullable: false }));
const find = createColumnFinder(inputs);

function faultOf(columns: readonly string[], ignoreExtra = false): string {
  try {
    find(columns, ignoreExtra);
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'invalid_columns' });
    return (error as Problem).message.replace("The columns do not match the model's signature: ", '');
  }
  throw new Error('the columns were taken');
}

describe('the columns of a request', () => {
  it('may stand in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 3 }), (columns) => {
        expect(find(columns, false).map((position) => columns[position])).toEqual(['a', 'b', 'c']);
      }),
    );
  });

  it('may have others between them only where these are ignored', () => {
    expect(find(['z', 'c', 'a', 'y', 'b'], true)).toEqual([2, 4, 1]);
    expect(faultOf(['z', 'c', 'a', 'y', 'b'])).toBe('unknown: "z", "y".');
  });

  it('are refused with all that is missing, unknown and doubled at once', () => {
    expect(faultOf(['b', 'x', 'b', 'y', 'x'])).toBe(
      'missing: "a", "c"; unknown: "x", "y"; more than once: "b", "x".',
    );
    expect(faultOf([])).toBe('missing: "a", "b", "c".');
  });

  it('are refused when doubled, even where others are ignored', () => {
    expect(faultOf(['a', 'b', 'c', 'a'], true)).toBe('more than once: "a".');
    // An ignored column may occur any number of times.
    expect(find(['a', 'z', 'b', 'z', 'c'], true)).toEqual([0, 2, 4]);
    expect(faultOf(['a', 'b', 'c', 'z', 'z'])).toBe('unknown: "z"; more than once: "z".');
  });

  it('have to be spelt as in the signature', () => {
    expect(faultOf(['A', 'b', ' c'])).toBe(
      'missing: "a", "c"; unknown: "A", " c"; names differ in letter case: send "a" for "A"; names differ in spaces around them: send "c".',
    );
    expect(faultOf(['A', 'b', 'c'], true)).toBe(
      'missing: "a"; names differ in letter case: send "a" for "A".',
    );
    expect(faultOf([`a${' '.repeat(100_000)}`, 'b', 'c']).length).toBeLessThan(300);
  });

  it('differ in Unicode form by name, whichever form the signature has', () => {
    for (const form of ['NFC', 'NFD'] as const) {
      const name = 'Größe'.normalize(form);
      const findOne = createColumnFinder([{ ...(inputs[0] as Input), name }]);
      const sent = 'größe'.normalize(form === 'NFC' ? 'NFD' : 'NFC');
      expect(() => findOne([sent], false)).toThrow(
        `names differ in letter case: send "${name}" for "${sent}".`,
      );
      expect(() => findOne([name.normalize(form === 'NFC' ? 'NFD' : 'NFC')], false)).toThrow(
        `names differ in Unicode form: send "${name}" in ${form}.`,
      );
    }
  });

  it('that are numbers are named as those of a frame without names', () => {
    expect(faultOf(['0', '1', '2'])).toBe(
      'missing: "a", "b", "c"; unknown: "0", "1", "2"; numbers are the names of a frame without names: name its columns.',
    );
    expect(faultOf(['1', 'b', 'c'])).not.toContain('frame');
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'may not be called %s unless the signature has it',
    (name) => {
      expect(faultOf(['a', 'b', 'c', name])).toBe(`unknown: "${name}".`);
    },
  );

  it('are cut at 64 characters when named', () => {
    const name = 'x'.repeat(64);
    expect(faultOf(['a', 'b', 'c', name])).toBe(`unknown: "${name}".`);
    expect(faultOf(['a', 'b', 'c', `${name}y`])).toBe(`unknown: "${name}…".`);
  });

  it('are named up to 20 of a kind, but all that is missing', () => {
    const unknown = Array.from({ length: 25 }, (_, at) => `u${at}`);
    const fault = faultOf([...unknown, ...unknown, 'a', 'b', 'c']);
    expect(fault).toMatch(
      /^unknown: "u0", .*, "u19" and 5 more; more than once: "u0", .*, "u19" and 5 more\.$/,
    );
    const many = Array.from({ length: 30 }, (_, at): Input => ({ ...(inputs[0] as Input), name: `m${at}` }));
    expect(() => createColumnFinder(many)([], false)).toThrow(/"m0".*"m29"\.$/);
  });
});
