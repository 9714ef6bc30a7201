import type { TextCell } from '../../worker/protocol.ts';
import { createEncoder } from '../encoding/encoder.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Model } from '../model/model.ts';
import type { Input } from '../model/signature.ts';

/** A regression model of one number column, for tests of rows rather than cells. */
export function tinyModel(name = 'tiny'): Model {
  const inputs: Input[] = [{ name: 'x', onnx: 'x', type: 'number', nullable: false }];
  return {
    name,
    version: 1,
    id: `${name}/1`,
    key: `${name}/1`,
    path: `/nowhere/${name}`,
    signature: { task: 'regression', inputs, outputs: { value: 'y' } },
    encoder: createEncoder({ inputs }),
    output: { task: 'regression', value: 'y' },
    golden: undefined,
    probes: { rows: 0, cells: new Float64Array(0), texts: [] },
    engine: { engine: 'onnxruntime', path: 'whole' },
  };
}

/** Rows of it, with these values. */
export function tinyRows(values: readonly number[], texts: readonly TextCell[] = []): EncodedRows {
  return { rows: values.length, cells: Float64Array.from(values), texts, warnings: [], warningsTotal: 0 };
}
