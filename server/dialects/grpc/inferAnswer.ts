import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Model } from '../../model/model.ts';
import type { OutputTensor } from '../v2/outputTensor.ts';
import { FRAME_BYTES, allocateFrame } from './frame.ts';
import type { GrpcInferRequest } from './inferRequest.ts';

// The tags of ModelInferResponse: field << 3 | 2, for a length and bytes.
const MODEL_NAME = 0x0a;
const MODEL_VERSION = 0x12;
const ID = 0x1a;
const OUTPUT = 0x2a;
const RAW_OUTPUT = 0x32;

/** The fields of InferTensorContents whose packed elements are the bytes of a raw tensor. */
const SAME_BYTES: Partial<Record<OutputTensor['datatype'], number>> = {
  BOOL: 1,
  FP32: 6,
  FP64: 7,
};
const INT64_CONTENTS = 3;
const BYTES_CONTENTS = 8;

/** InferTensorContents from the bytes of a raw tensor. */
function typedContents(datatype: OutputTensor['datatype'], raw: Buffer): Uint8Array {
  const writer = new BinaryWriter();
  const same = SAME_BYTES[datatype];
  if (same !== undefined)
    return writer
      .uint32((same << 3) | 2)
      .bytes(raw)
      .finish();
  if (datatype === 'INT64') {
    writer.uint32((INT64_CONTENTS << 3) | 2).fork();
    for (let at = 0; at < raw.length; at += 8) writer.int64(raw.readBigInt64LE(at));
    return writer.join().finish();
  }
  for (let at = 0; at < raw.length;) {
    const end = at + 4 + raw.readUInt32LE(at);
    writer.uint32((BYTES_CONTENTS << 3) | 2).bytes(raw.subarray(at + 4, end));
    at = end;
  }
  return writer.finish();
}

function outputHead(
  { name, datatype, width }: OutputTensor,
  rows: number,
  raw: Buffer | undefined,
): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(0x0a).string(name).uint32(0x12).string(datatype);
  writer.uint32(0x1a).fork().int64(rows);
  if (width !== undefined) writer.int64(width);
  writer.join();
  if (raw !== undefined) writer.uint32(0x2a).bytes(typedContents(datatype, raw));
  return writer.finish();
}

/** Bytes of a length before bytes. */
function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 127; rest >>>= 7) bytes++;
  return bytes;
}

type Field = readonly [tag: number, bytes: Uint8Array];

/** Writes a ModelInferResponse behind its frame, in one buffer. */
export function writeGrpcInferAnswer(
  { name, version }: Model,
  { id, wanted, raw: isRaw }: Omit<GrpcInferRequest, 'tensors'>,
  rows: number,
  answers: Float64Array,
): Buffer {
  const fields: Field[] = [
    [MODEL_NAME, Buffer.from(name)],
    [MODEL_VERSION, Buffer.from(String(version))],
  ];
  if (id !== undefined) fields.push([ID, Buffer.from(id)]);
  const tensors: Field[] = [];
  for (const { output } of wanted) {
    const bytes = output.binary(answers);
    fields.push([OUTPUT, outputHead(output, rows, isRaw ? undefined : bytes)]);
    if (isRaw) tensors.push([RAW_OUTPUT, bytes]);
  }
  fields.push(...tensors);
  let size = 0;
  for (const [, bytes] of fields) size += 1 + lengthBytes(bytes.length) + bytes.length;
  const frame = allocateFrame(size);
  let at = FRAME_BYTES;
  for (const [tag, bytes] of fields) {
    frame[at++] = tag;
    let length = bytes.length;
    for (; length > 127; length >>>= 7) frame[at++] = (length & 127) | 128;
    frame[at++] = length;
    frame.set(bytes, at);
    at += bytes.length;
  }
  return frame;
}
