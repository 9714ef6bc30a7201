import { grpcMethod, grpcRequest } from '../../../../server/testing/grpcClient.ts';
import { MODEL, VERSION, type Table } from '../rows.ts';
import type { CallBody } from './caller.ts';

export const HTTP_PATH = `/v2/models/${MODEL}/versions/${VERSION}/infer`;
export const INFER = grpcMethod('ModelInfer');
export const HEADER_LENGTH = 'inference-header-content-length';
const OUTPUT = 'label';

/** A column as a tensor: its elements as V2 lays them out in bytes, which both protocols send. */
interface Tensor {
  readonly name: string;
  readonly datatype: 'BYTES' | 'INT64';
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

function bytesOf(cell: string | number): Buffer {
  if (typeof cell === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(cell));
    return bytes;
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(cell));
  return Buffer.concat([length, Buffer.from(cell)]);
}

const tensorsOf = ({ columns, data }: Table): Tensor[] =>
  columns.map((name, column) => ({
    name,
    datatype: typeof data[0]?.[column] === 'string' ? 'BYTES' : 'INT64',
    shape: [data.length],
    bytes: Buffer.concat(data.map((cells) => bytesOf(cells[column] as string | number))),
  }));

/** A request of V2's binary extension over HTTP. */
export function httpBody(table: Table): CallBody {
  const tensors = tensorsOf(table);
  const inputs = tensors.map(({ bytes, ...input }) => ({
    ...input,
    parameters: { binary_data_size: bytes.length },
  }));
  const outputs = [{ name: OUTPUT, parameters: { binary_data: true } }];
  const head = Buffer.from(JSON.stringify({ inputs, outputs }));
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(head.length) },
    body: Buffer.concat([head, ...tensors.map(({ bytes }) => bytes)]).toString('base64'),
  };
}

/** A framed ModelInfer with the same tensors in raw_input_contents. */
export function grpcBody(table: Table): CallBody {
  const tensors = tensorsOf(table);
  const message = {
    model_name: MODEL,
    model_version: VERSION,
    inputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    outputs: [{ name: OUTPUT }],
    raw_input_contents: tensors.map(({ bytes }) => bytes.toString('base64')),
  };
  return { headers: {}, body: grpcRequest(INFER, message).toString('base64') };
}
