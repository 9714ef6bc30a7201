import fc from 'fast-check';
import type { Target } from './target.ts';

/** One change of some bytes. */
type Edit = readonly [kind: number, at: number, length: number, by: Buffer];

/** Larger inputs take longer and have found nothing more. */
const MAX_BYTES = 64 * 1024;
const REPEATS = 64;

function edited(input: Buffer, [kind, where, length, by]: Edit): Buffer {
  const at = input.length === 0 ? 0 : where % (input.length + 1);
  const [before, behind] = [input.subarray(0, at), input.subarray(at + length)];
  switch (kind) {
    case 0: // replaced
      return Buffer.concat([before, by, behind]);
    case 1: // inserted
      return Buffer.concat([before, by, input.subarray(at)]);
    case 2: // removed
      return Buffer.concat([before, behind]);
    case 3: // repeated many times
      return Buffer.concat([before, ...Array.from({ length: REPEATS }, () => by), input.subarray(at)]);
    case 4: // doubled
      return Buffer.concat([before, input.subarray(at, at + length), input.subarray(at)]);
    default: // cut off
      return before;
  }
}

/** Inputs for a target: its seeds with some edits, or random words and bytes. */
export function inputsFor({ seeds, words }: Target): fc.Arbitrary<Buffer> {
  const bytes = fc.uint8Array({ maxLength: 8 }).map((some) => Buffer.from(some));
  const word = fc
    .constantFrom(...words)
    .map((text) => Buffer.from(text, /[\x80-\xff]/.test(text) ? 'latin1' : 'utf8'));
  const piece = fc.oneof({ weight: 3, arbitrary: word }, bytes);
  const edit = fc.tuple(fc.nat(5), fc.nat(MAX_BYTES), fc.nat(40), piece);
  const grown = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 6 }))
    .map(([seed, edits]) => edits.reduce(edited, seed).subarray(0, MAX_BYTES));
  const made = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.concat(pieces));
  return fc.oneof({ weight: 4, arbitrary: grown }, made);
}
