import { FEATURES, INPUTS, SIGNATURE, writerOf } from '../../../server/encoding/bytes/testing/everyColumn.ts';
import { createRandomBodies } from '../../../server/encoding/bytes/testing/randomBody.ts';
import { createFeatureEncoder } from '../../../server/encoding/encoder.ts';
import type { Model } from '../../../server/model/model.ts';
import { readBothWays } from '../../../server/testing/bothWays.ts';
import { JSON_WORDS, json } from './tables.ts';
import type { Target } from './target.ts';

/** Bodies made from each input beside the input itself: most of them are taken. */
const MADE = 4;

/**
 * The reader of bytes: what it takes must be right, and give what the long way gives. @param model with its fast path
 */
export function bytesTarget(model: Model, row: readonly unknown[]): Target {
  const { signature, fast } = model;
  const names = signature.inputs.map(({ name }) => name);
  const record = Object.fromEntries(names.map((name, at) => [name, row[at]]));
  const split = { columns: names, data: [row, row] };
  const every = createFeatureEncoder(SIGNATURE, INPUTS.map(writerOf), FEATURES);
  const forms = ['native', 'instances', 'mlflow'] as const;
  return {
    name: 'bytes',
    seeds: [
      split,
      { columns: names, index: [0], data: [row] },
      record,
      [record, record],
      { instances: [row] },
      { instances: [record] },
      { dataframe_split: split },
      { dataframe_records: [record] },
    ].map(json),
    words: [...JSON_WORDS, ...names.map((name) => `"${name}"`), ' ', '\n', '-', '.', 'e', '\\u0020', '\0'],
    check: (input) => {
      for (const form of forms) if (fast) readBothWays(fast.encoder, signature, input, form);
      const next = createRandomBodies(input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7));
      for (let made = 0; made < MADE; made++) {
        const { form, body } = next();
        readBothWays(every, SIGNATURE, body, form);
      }
    },
  };
}
