import { createEncoder } from '../../../server/encoding/encoder.ts';
import type { Input } from '../../../server/model/signature.ts';
import type { OutputValue } from '../../../worker/answers.ts';
import { rejectHostileFile } from '../../../worker/onnx/rejectHostileFile.ts';
import { openGraph } from '../../../worker/session.ts';
import { createFeedMaker } from '../../../worker/tensors.ts';
import { Failure } from '../../cli/faults.ts';
import type { FileRows } from '../readRows.ts';

/** The outputs of a run, by name. */
export type Observed = ReadonlyMap<string, OutputValue>;

/**
 * What the graph gives for some rows: the shapes that a file declares are often wrong, or left open.
 *
 * @returns undefined if it doesn't take the rows, made-up ones for instance
 * @throws {OnnxRefused | Failure} when it could run forever, or can't be opened
 */
export async function observe(
  onnx: Uint8Array,
  inputs: readonly Input[],
  { columns, data }: FileRows,
): Promise<Observed | undefined> {
  rejectHostileFile(onnx);
  const session = await openGraph(onnx).catch((error: unknown) => {
    throw new Failure((error as Error).message);
  });
  try {
    const { rows, cells, texts } = createEncoder({ inputs }).encode(columns, data, { ignoreExtra: true });
    const feeds = inputs.map((input) => ({ ...input, categories: input.categories ?? [] }));
    const names = session.outputs.flatMap(({ name, type }) => (type === 'not a tensor' ? [] : [name]));
    const tensors = createFeedMaker(feeds, session.inputs)(cells as Float64Array, texts, rows);
    return new Map(Object.entries(await session.run(tensors, names)));
  } catch {
    return undefined;
  } finally {
    await session.close();
  }
}

/** The columns of an output for each row; undefined if that isn't known. */
export function widthOf(observed: Observed | undefined, name: string, rows: number): number | undefined {
  const output = observed?.get(name);
  const width = output && rows > 0 ? output.data.length / rows : NaN;
  return Number.isInteger(width) ? width : undefined;
}
