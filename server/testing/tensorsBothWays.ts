import { isDeepStrictEqual } from 'node:util';
import type { V2Rows } from '../dialects/v2/bytes.ts';
import { readV2Rows } from '../dialects/v2/bytes.ts';
import type { OutputTensor } from '../dialects/v2/outputTensor.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows, Encoder } from '../model/rows.ts';

type Target = Pick<Model, 'name' | 'version' | 'encoder' | 'signature'>;

/**
 * Reads a V2 request from its bytes, and then the long way if it was taken: both must give the same.
 *
 * @returns what was read from the bytes
 * @throws {Error} where the two differ, and what the long way throws
 */
export function readTensorsBothWays(
  model: Target,
  bytes: Buffer,
  headerLength: number | undefined,
  outputs: readonly OutputTensor[] = [],
): V2Rows | undefined {
  let fast: V2Rows | undefined;
  try {
    fast = readV2Rows(bytes, headerLength, model, outputs);
  } catch {
    // The long way refuses it: it was not taken.
    return undefined;
  }
  if (fast.encoded === undefined) return undefined;
  const encoder: { -readonly [Name in keyof Encoder]: Encoder[Name] } = { ...model.encoder };
  delete encoder.readTensors;
  const { request, table } = readV2Rows(bytes, headerLength, { ...model, encoder }, outputs);
  const expected: EncodedRows = encoder.encode(table.columns, table.data, {}, table);
  const { id, wanted, timeoutMs, ignored } = request;
  for (const [what, one, other] of [
    ['request', fast.request, { id, wanted, timeoutMs, ignored }],
    ['encoding', fast.encoded, expected],
    ['list of columns', fast.table.columns, table.columns],
    ['table', fast.table.data, table.data],
  ] as const)
    if (!isDeepStrictEqual(one, other)) throw new Error(`from the bytes there is another ${what}`);
  return fast;
}
