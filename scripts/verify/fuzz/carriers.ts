import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { liftModel } from '../../../server/compiler/lift/lift.ts';
import { createCsvReader } from '../../../server/dialects/forms/csvReader.ts';
import { header } from '../../../server/http/header.ts';
import { requestIdOf } from '../../../server/http/middleware/requestId.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { requireMlflowBody } from '../../../server/http/mlflowBody.ts';
import {
  bodyType,
  fileAnswerType,
  predictionAnswerType,
  requireJsonAnswer,
} from '../../../server/http/mediaTypes.ts';
import { decompress } from '../../../server/http/decompress.ts';
import { receiveFile } from '../../../server/http/upload.ts';
import { openSpool } from '../../../server/platform/spool.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import { rejectHostileFile } from '../../../worker/onnx/rejectHostileFile.ts';
import type { Target } from './target.ts';
import { contextOf, decoded } from './target.ts';

const MAX_BYTES = 64 * 1024;
const CODINGS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;
const TEXT = Buffer.from('age,job\n25,clerk\n'.repeat(20));

/** Decompression must return what was compressed, refuse trailing bytes and respect the limit. */
async function checkCodings(input: Buffer): Promise<void> {
  for (const [name, pack] of Object.entries(CODINGS)) {
    const out = await decoded(() => decompress(input, name, MAX_BYTES));
    if (out && out.length > MAX_BYTES) throw new Error(`${name} unpacked more than the limit`);
    const back = await decompress(pack(input), name, Math.max(1, input.length));
    if (!back.equals(input)) throw new Error(`${name} does not give back what was packed`);
    const trailing = Buffer.concat([pack(input), Buffer.from('x')]);
    if (await decoded(() => decompress(trailing, name, MAX_BYTES)))
      throw new Error(`${name} ignores bytes at the end`);
  }
}

const BOUNDARY = 'b';
const part = (headers: string, content: string): string =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="f"; filename="a.csv"${headers}\r\n\r\n${content}\r\n`;

/** Uploads the input in chunks of `size` bytes: the file must not depend on it. */
async function receive(input: Buffer, size: number): Promise<string | undefined> {
  const spool = openSpool(tmpdir());
  try {
    const pieces = Array.from({ length: Math.ceil(input.length / size) }, (_, at) =>
      input.subarray(at * size, (at + 1) * size),
    );
    const c = contextOf(
      { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      undefined,
      Readable.from(pieces),
    );
    return await decoded(async () => {
      await receiveFile(c, spool, MAX_BYTES).complete;
      const bytes = Buffer.alloc(spool.bytes);
      await spool.read(bytes, 0);
      return bytes.toString('latin1');
    });
  } finally {
    await spool.close();
  }
}

/** The records of a text that arrives in chunks of `size` characters. */
const recordsOf = (text: string, size: number): Promise<string[] | undefined> =>
  decoded(() => {
    const records: string[] = [];
    const reader = createCsvReader((cells, line) => records.push(JSON.stringify([line, cells])));
    for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size));
    reader.end();
    return records;
  });

interface Fixture {
  readonly signature: Signature;
}

/** Decoders of what carries rows: codings, uploads, headers, models. */
export function carrierTargets(): Target[] {
  const fixture = (name: string): Buffer => readFileSync(fromHome(`server/compiler/fixtures/${name}`));
  const { signature } = JSON.parse(fixture('standard-scaler.json').toString()) as Fixture;
  return [
    {
      name: 'csv-pieces',
      seeds: ['a,b\n1,2\n', 'a,"b\n""c"\r\n\r\n"","x"\r\n', '"\r\n'].map((text) => Buffer.from(text)),
      words: ['"', '""', ',', '\n', '\r', '\r\n', '\r\r\n', '"\r'],
      check: async (input) => {
        const text = input.toString('latin1');
        const whole = await recordsOf(text, Math.max(1, text.length));
        for (const size of [1, 2, 7]) {
          const cut = await recordsOf(text, size);
          if (JSON.stringify(cut) !== JSON.stringify(whole))
            throw new Error(`chunks of ${size} give other records`);
        }
      },
    },
    {
      name: 'coding',
      seeds: [
        TEXT,
        gzipSync(TEXT),
        deflateSync(TEXT),
        brotliCompressSync(TEXT),
        gzipSync(Buffer.alloc(2 * MAX_BYTES)),
      ],
      words: ['\x1f\x8b\x08', '\x78\x9c', '\0\0\0\0'],
      check: checkCodings,
    },
    {
      name: 'multipart',
      seeds: [
        part('', 'a,b\n1,2'),
        part('\r\ncontent-type: text/csv; charset=utf-8', 'a\n'),
        part('\r\ncontent-transfer-encoding: 8bit', ''),
      ].map((text) => Buffer.from(`${text}--${BOUNDARY}--\r\n`)),
      words: [
        '\r\n',
        '--b',
        '--b--',
        'filename="',
        'name=',
        'charset=',
        "filename*=utf-8''%41",
        '\r\n\r\n',
        ';',
        ':',
      ],
      check: async (input) => {
        const whole = await receive(input, Math.max(1, input.length));
        const cut = await receive(input, 5);
        if (whole !== cut) throw new Error('the file depends on the chunks of the body');
      },
    },
    {
      name: 'headers',
      seeds: ['application/json', 'text/csv; charset=utf-8', 'text/csv;q=0.5, */*;q=0.1', 'x-1'].map((text) =>
        Buffer.from(text),
      ),
      words: [
        ...['q=', ';', ',', '*/*', 'charset', '=', '"', ' ', '\t', 'utf-8', '0.', 'format=pandas-split'],
        ...['text/csv', 'header=absent', 'application/jsonlines', 'application/x-ndjson'],
      ],
      check: async (input) => {
        const value = input.toString('latin1');
        const c = contextOf({ accept: value, 'content-type': value, 'x-request-id': value });
        if (!/^[A-Za-z0-9._-]{1,64}$/.test(requestIdOf(header(c, 'x-request-id'))))
          throw new Error('a hostile request id is kept');
        for (const read of [
          fileAnswerType,
          bodyType,
          requireJsonAnswer,
          requireMlflowBody,
          predictionAnswerType,
        ])
          await decoded<unknown>(() => read(c));
      },
    },
    {
      name: 'onnx',
      seeds: ['standard-scaler', 'onehot-texts', 'xgboost'].map((name) => fixture(`${name}.onnx`)),
      words: ['\xff\xff\xff\xff\x0f', '\x0a', '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01', 'Loop'],
      check: (input) => {
        liftModel(input, signature);
        try {
          rejectHostileFile(input);
        } catch (error) {
          if (!(error instanceof OnnxRefused)) throw error;
        }
      },
    },
  ];
}
