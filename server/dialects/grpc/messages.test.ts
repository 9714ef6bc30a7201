import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS, Problem } from '../../errors/problem.ts';
import { loadAdult } from '../../testing/adult.ts';
import { ADULT_COLUMNS, readAdultRows } from '../../testing/adultRows.ts';
import { fastPathOf } from '../../testing/fastPathOf.ts';
import { grpcMessageOf, grpcMethod, grpcRequest } from '../../testing/grpcClient.ts';
import { outputTensors } from '../v2/outputs.ts';
import { readFrame, readMessageCoding, takeFrame, writeFrame } from './frame.ts';
import { writeGrpcInferAnswer } from './inferAnswer.ts';
import { readInferMessage } from './inferMessage.ts';
import { readGrpcInferRequest, readGrpcRows } from './inferRequest.ts';
import { answerReflection } from './reflection.ts';
import { GRPC_CODES, GRPC_CODE_OF, grpcMessage } from './status.ts';
import { readGrpcTimeout } from './timeout.ts';

const INFER = grpcMethod('ModelInfer');
const OUTPUTS = outputTensors({
  task: 'classification',
  label: 'label',
  classes: ['no', 'yes'],
  probabilities: 'probabilities',
});

/** A message as any protobuf library writes it. */
const messageOf = (json: unknown): Buffer => grpcRequest(INFER, json).subarray(5);

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Problem ? error.code : `not a Problem: ${String(error)}`;
  }
};

const read = (json: unknown) => readGrpcInferRequest(readInferMessage(messageOf(json)), OUTPUTS);

describe('the frame of a message', () => {
  const message = Buffer.from('hello');
  it('is read as it was written', () => {
    expect(readFrame(writeFrame(message))).toEqual({ isCompressed: false, bytes: message });
    expect(readFrame(writeFrame(Buffer.alloc(0))).bytes).toHaveLength(0);
  });

  it.each([
    ['no message', Buffer.alloc(0)],
    ['half a frame', Buffer.from([0, 0, 0])],
    ['half a message', writeFrame(message).subarray(0, 8)],
    ['bytes after the message', Buffer.concat([writeFrame(message), Buffer.from([1])])],
    ['two messages', Buffer.concat([writeFrame(message), writeFrame(message)])],
    ['another flag', Buffer.concat([Buffer.from([2]), writeFrame(message).subarray(1)])],
  ])('is refused: %s', (_, bytes) => {
    expect(codeOf(() => readFrame(bytes))).toBe('invalid_body');
  });

  it('is taken from a stream once it is complete', () => {
    const two = Buffer.concat([writeFrame(message), writeFrame(message)]);
    expect(takeFrame(two.subarray(0, 9))).toBeUndefined();
    expect(takeFrame(two)?.rest).toEqual(writeFrame(message));
  });

  it('names the codings that are read', () => {
    expect([undefined, 'identity', 'gzip', 'deflate'].map(readMessageCoding)).toEqual([
      undefined,
      undefined,
      'gzip',
      'deflate',
    ]);
    expect(() => readMessageCoding('snappy')).toThrow(/identity,gzip,deflate/);
  });
});

describe('a ModelInferRequest', () => {
  const raw = (...values: number[]): string =>
    Buffer.from(Float32Array.from(values).buffer).toString('base64');

  it('has its tensors raw, in the bytes of the message', () => {
    const bytes = messageOf({
      model_name: 'm',
      model_version: '3',
      id: 'x',
      inputs: [{ name: 'a', datatype: 'FP32', shape: [2] }],
      raw_input_contents: [raw(1.5, NaN)],
    });
    const message = readInferMessage(bytes);
    expect([message.modelName, message.modelVersion, message.id]).toEqual(['m', '3', 'x']);
    expect(message.raw[0]?.buffer).toBe(bytes.buffer);
    const request = readGrpcInferRequest(message, OUTPUTS);
    expect(request).toMatchObject({ id: 'x', raw: true });
    expect(request.tensors).toMatchObject([{ name: 'a', shape: [2], values: [1.5, null] }]);
  });

  it.each([
    ['BOOL', 'bool_contents', [true, false], [true, false]],
    ['INT8', 'int_contents', [1, -1], [1, -1]],
    ['INT32', 'int_contents', [1, -(2 ** 31)], [1, -(2 ** 31)]],
    ['INT64', 'int64_contents', ['1', '-9007199254740991'], [1, -9007199254740991]],
    ['UINT16', 'uint_contents', [1, 65535], [1, 65535]],
    ['UINT64', 'uint64_contents', ['1', '9007199254740991'], [1, 9007199254740991]],
    ['FP32', 'fp32_contents', [1.5, 'NaN'], [1.5, null]],
    ['FP64', 'fp64_contents', [0.1, 'NaN'], [0.1, null]],
    ['BYTES', 'bytes_contents', ['w6k=', ''], ['é', '']],
  ])('has typed elements of %s', (datatype, member, sent, values) => {
    const request = read({ inputs: [{ name: 'a', datatype, shape: [2], contents: { [member]: sent } }] });
    expect(request.raw).toBe(false);
    expect(request.tensors[0]?.values).toEqual(values);
  });

  it('is read straight into the matrix where a lifted model has raw tensors, as the long way reads it', async () => {
    const { fast, ...adult } = await fastPathOf(await loadAdult());
    const model = { ...adult, encoder: fast!.encoder };
    const rows = readAdultRows().slice(0, 50);
    const columns = ADULT_COLUMNS.map((name, at) => ({ name, cells: rows.map(({ cells }) => cells[at]) }));
    const lengthOf = (text: Buffer): Buffer => Buffer.from(Uint32Array.of(text.length).buffer);
    const texts = (cells: readonly unknown[]): Buffer[] => cells.map((cell) => Buffer.from(String(cell)));
    const message = readInferMessage(
      messageOf({
        inputs: columns.map(({ name, cells }) => ({
          name,
          datatype: typeof cells[0] === 'string' ? 'BYTES' : 'INT64',
          shape: [rows.length],
        })),
        raw_input_contents: columns.map(({ cells }) =>
          (typeof cells[0] === 'string'
            ? Buffer.concat(texts(cells).flatMap((text) => [lengthOf(text), text]))
            : Buffer.from(BigInt64Array.from(cells, (cell) => BigInt(cell as number)).buffer)
          ).toString('base64'),
        ),
      }),
    );
    const all = outputTensors(model.output);
    const short = readGrpcRows(message, model, all);
    const { readTensors, ...encoder } = model.encoder;
    expect(readTensors).toBeDefined();
    const long = readGrpcRows(message, { ...model, encoder }, all);
    expect(long.encoded).toBeUndefined();
    expect(short.encoded).toEqual(encoder.encode(long.table.columns, long.table.data, {}, long.table));
    expect(short.table.data).toEqual(long.table.data);
    expect(long.request).toMatchObject(short.request);
    // JSON has no such parameter.
    const odd = { ...message, parameters: { timeout: NaN } };
    expect(codeOf(() => readGrpcRows(odd, model, all))).toBe(codeOf(() => readGrpcInferRequest(odd, all)));
  });

  it('takes elements that are not packed, and a list in two parts', () => {
    const writer = new BinaryWriter();
    for (const value of [1.5, 2.5]) writer.tag(7, WireType.Bit64).double(value);
    const contents = writer.finish();
    const input = new BinaryWriter().tag(1, 2).string('a').tag(2, 2).string('FP64');
    input.tag(3, WireType.Varint).int64(4).tag(5, 2).bytes(contents).tag(5, 2).bytes(contents);
    const bytes = Buffer.from(new BinaryWriter().tag(5, 2).bytes(input.finish()).finish());
    const request = readGrpcInferRequest(readInferMessage(bytes), OUTPUTS);
    expect(request.tensors[0]?.values).toEqual([1.5, 2.5, 1.5, 2.5]);
  });

  it.each([
    ['raw and typed', { contents: { fp32_contents: [1] } }, [raw(1)], /one form/],
    ['fewer raw tensors than inputs', {}, [raw(1), raw(2)], /2 tensors where .* 1 inputs/],
    ['another list than the datatype', { contents: { fp64_contents: [1] } }, [], /"fp32_contents" alone/],
    ['too few elements', { contents: { fp32_contents: [] } }, [], /0 elements/],
    ['too many elements', { contents: { fp32_contents: [1, 2, 3] } }, [], /2 elements where its shape has 1/],
    ['a raw tensor of another size', {}, [raw(1, 2)], /8 bytes where its shape needs 4/],
    ['an unknown datatype', { datatype: 'FP8', contents: {} }, [], /needs a "datatype"/],
    ['a negative shape', { shape: [-1], contents: {} }, [], /needs a "shape"/],
    ['typed FP16', { datatype: 'FP16', contents: { fp32_contents: [1] } }, [], /no "contents" for FP16/],
  ])('is refused with %s', (_, input, raw_input_contents, sentence) => {
    const json = { inputs: [{ name: 'a', datatype: 'FP32', shape: [1], ...input }], raw_input_contents };
    expect(() => read(json)).toThrow(sentence);
    expect(codeOf(() => read(json))).toBe('invalid_body');
  });

  it('asks for outputs, raw or typed as the request is unless it says otherwise', () => {
    const inputs = [{ name: 'a', datatype: 'FP32', shape: [0], contents: {} }];
    expect(read({ inputs, outputs: [{ name: 'label' }] }).wanted.map(({ output }) => output.name)).toEqual([
      'label',
    ]);
    const parameters = { binary_data_output: { bool_param: true } };
    expect(read({ inputs, parameters }).raw).toBe(true);
    expect(() =>
      read({
        inputs,
        outputs: [
          { name: 'label', parameters: { binary_data: { bool_param: true } } },
          { name: 'probabilities' },
        ],
      }),
    ).toThrow(/all raw or none/);
    expect(() => read({ inputs, outputs: [{ name: 'other' }] })).toThrow(/none of the model's/);
  });

  it('is refused as a whole when it is damaged, and never more than that', () => {
    const good = messageOf({
      model_name: 'm',
      parameters: { a: { string_param: 'b' }, c: { double_param: 1 } },
      inputs: [
        { name: 'a', datatype: 'FP32', shape: [1], contents: { fp32_contents: [1] } },
        { name: 'b', datatype: 'BYTES', shape: [1, 1], contents: { bytes_contents: ['YQ=='] } },
      ],
      outputs: [{ name: 'label' }],
    });
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(good.length), (changes, cut) => {
        const bytes = Buffer.from(good.subarray(0, cut));
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        const code = codeOf(() => readGrpcInferRequest(readInferMessage(bytes), OUTPUTS));
        expect([undefined, 'invalid_body']).toContain(code);
      }),
      { numRuns: 3000 },
    );
  });

  it('is refused with more entries than any model has', () => {
    const empty = Buffer.from(new BinaryWriter().tag(7, 2).bytes(new Uint8Array(0)).finish());
    const bytes = Buffer.concat(Array.from({ length: 70_000 }, () => empty));
    expect(() => readInferMessage(bytes)).toThrow(/more than 65536/);
  });
});

describe('a ModelInferResponse', () => {
  const answers = Float64Array.of(1, 0.25, 0.75, 0, 0.5, 0.5);
  const request = (raw: boolean) => ({
    id: 'mine',
    raw,
    tensors: [],
    timeoutMs: undefined,
    ignored: [],
    wanted: OUTPUTS.map((output) => ({ output, binary: raw, class: undefined })),
  });
  const model = { name: 'm', version: 12 } as Parameters<typeof writeGrpcInferAnswer>[0];

  it('has its tensors raw', () => {
    const written = grpcMessageOf(INFER, writeGrpcInferAnswer(model, request(true), 2, answers));
    expect(written).toEqual({
      model_name: 'm',
      model_version: '12',
      id: 'mine',
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: ['2'] },
        { name: 'probabilities', datatype: 'FP32', shape: ['2', '2'] },
      ],
      raw_output_contents: [
        Buffer.from('\x03\0\0\0yes\x02\0\0\0no').toString('base64'),
        Buffer.from(Float32Array.of(0.25, 0.75, 0.5, 0.5).buffer).toString('base64'),
      ],
    });
  });

  it('has them typed', () => {
    const written = grpcMessageOf(INFER, writeGrpcInferAnswer(model, request(false), 2, answers));
    expect(written).toMatchObject({
      outputs: [
        { contents: { bytes_contents: ['eWVz', 'bm8='] } },
        { contents: { fp32_contents: [0.25, 0.75, 0.5, 0.5] } },
      ],
    });
    expect(written).not.toHaveProperty('raw_output_contents');
  });

  it.each([
    [[10, -20], { int64_contents: ['-20', '10'] }],
    [[false, true], { bool_contents: [true, false] }],
  ])('has typed labels %j', (classes, contents) => {
    const [label] = outputTensors({ task: 'classification', label: 'label', classes, probabilities: 'p' });
    const wanted = [{ output: label!, binary: false, class: undefined }];
    const written = writeGrpcInferAnswer(model, { ...request(false), wanted }, 2, answers);
    expect(grpcMessageOf(INFER, written)).toMatchObject({ outputs: [{ contents }] });
  });
});

describe('the status of an error', () => {
  it('is known for each, and never UNKNOWN', () => {
    for (const code of Object.keys(ERRORS) as (keyof typeof ERRORS)[])
      expect(GRPC_CODES[GRPC_CODE_OF[code]], code).toBeGreaterThan(0);
  });

  it('has its sentence in printable ASCII', () => {
    const detail = 'Größe 100 % "学"\n';
    const message = grpcMessage(new Problem('invalid_body', { detail }));
    expect(message).toMatch(/^[ -~]*$/);
    expect(decodeURIComponent(message)).toBe(detail);
    const long = grpcMessage(new Problem('invalid_body', { detail: '😀'.repeat(5000) }));
    expect(long.length).toBeLessThan(8000);
    expect(() => decodeURIComponent(long)).not.toThrow();
  });

  it('names the call that lists the models', () => {
    expect(grpcMessage(new Problem('model_not_found'))).toContain('RepositoryIndex');
  });
});

it('grpc-timeout is read in every unit', () => {
  const times = [undefined, '1H', '2M', '3S', '4m', '5000u', '6000000n', '99999999m'].map(readGrpcTimeout);
  expect(times).toEqual([undefined, 3_600_000, 120_000, 3000, 4, 5, 6, 99_999_999]);
  for (const wrong of ['', '1', 'S', '1s', '-1S', '123456789S', '1.5S', '1 S'])
    expect(
      codeOf(() => readGrpcTimeout(wrong)),
      wrong,
    ).toBe('invalid_parameter');
});

it('reflection finds files by name and by what is in them', () => {
  const bytesOf = (request: Record<string, unknown>): unknown => answerReflection({ host: 'h', ...request });
  const service = bytesOf({ file_containing_symbol: 'inference.GRPCInferenceService' });
  expect(service).toMatchObject({ valid_host: 'h', file_descriptor_response: {} });
  for (const symbol of [
    'inference.GRPCInferenceService.ModelInfer',
    'inference.ModelInferRequest',
    'inference.ModelInferRequest.InferInputTensor',
    'inference.ModelInferRequest.id',
    'inference.DataType',
  ])
    expect(bytesOf({ file_containing_symbol: symbol }), symbol).toMatchObject({
      file_descriptor_response: (service as Record<string, unknown>)['file_descriptor_response'],
    });
  expect(bytesOf({ file_by_filename: 'grpc_service.proto' })).toMatchObject({ file_descriptor_response: {} });
  for (const request of [{ file_by_filename: 'x' }, { file_containing_symbol: 'x.y' }, {}])
    expect(bytesOf(request)).toMatchObject({ error_response: { error_code: 5 } });
});
