import { Client, credentials, status as codes } from '@grpc/grpc-js';
import type { AdultRow } from './adultRows.ts';
import { ADULT_COLUMNS } from './adultRows.ts';
import { grpcMessageOf, grpcMethod, grpcRequest } from './grpcClient.ts';
import { eventually, withDeadline } from './withDeadline.ts';

const INFER = grpcMethod('ModelInfer');
const CALL_MS = 20_000;

/** A call's message, and the labels that it must be answered. */
export interface GrpcCase {
  readonly message: Buffer;
  readonly labels: readonly string[];
}

/** A ModelInfer of some rows of the default model, with typed tensors. */
export function grpcCase(rows: readonly AdultRow[]): GrpcCase {
  const inputs = ADULT_COLUMNS.map((name, at) => {
    const cells = rows.map(({ cells }) => cells[at]);
    const shape = [rows.length];
    return typeof cells[0] === 'string'
      ? {
          name,
          datatype: 'BYTES',
          shape,
          contents: { bytes_contents: cells.map((cell) => Buffer.from(String(cell)).toString('base64')) },
        }
      : { name, datatype: 'INT64', shape, contents: { int64_contents: cells } };
  });
  const request = { model_name: 'adult', model_version: '1', inputs, outputs: [{ name: 'label' }] };
  return { message: grpcRequest(INFER, request).subarray(5), labels: rows.map(({ label }) => label) };
}

/** The labels of an answer. */
export function labelsOf(answer: Buffer): string[] {
  const frame = Buffer.concat([Buffer.alloc(5), answer]);
  frame.writeUInt32BE(answer.length, 1);
  const { outputs } = grpcMessageOf(INFER, frame) as {
    outputs: { contents: { bytes_contents: string[] } }[];
  };
  return outputs[0]!.contents.bytes_contents.map((text) => Buffer.from(text, 'base64').toString('utf8'));
}

export interface GrpcLoad {
  /** Right answers so far. */
  readonly right: number;
  /** Each call that failed, or had another answer. */
  readonly failures: readonly string[];
  /** Waits for this many more right answers, or fails with the first failure. */
  more(count: number, ms?: number): Promise<void>;
  /** Ends the load once all calls are answered. */
  stop(): Promise<void>;
}

export interface GrpcLoadOptions {
  readonly port: number;
  /** Calls under way at any time, all on one connection. */
  readonly calls: number;
  readonly cases: readonly GrpcCase[];
  /** The certificate that signs the server's; without it there is no TLS. */
  readonly certificate?: Buffer;
  /** The load ends after this time in any case. */
  readonly maxMs?: number;
}

/** Calls ModelInfer in a closed loop through gRPC's own client, and checks every answer. */
export function startGrpcLoad({
  port,
  calls,
  cases,
  certificate,
  maxMs = 60_000,
}: GrpcLoadOptions): GrpcLoad {
  const client = new Client(
    `127.0.0.1:${port}`,
    certificate ? credentials.createSsl(certificate) : credentials.createInsecure(),
  );
  const failures: string[] = [];
  const end = performance.now() + maxMs;
  let right = 0;
  let sent = 0;
  let stopped = false;
  const same = (bytes: Buffer): Buffer => bytes;
  const call = ({ message, labels }: GrpcCase): Promise<void> =>
    new Promise((resolve) => {
      const options = { deadline: Date.now() + CALL_MS };
      client.makeUnaryRequest(INFER.path, same, same, message, options, (error, answer) => {
        if (error) failures.push(`${codes[error.code]}: ${error.details}`);
        else if (String(labelsOf(answer as Buffer)) !== String(labels)) failures.push('another answer');
        else right++;
        resolve();
      });
    });
  const caller = async (): Promise<void> => {
    while (!stopped && performance.now() < end && failures.length < 100)
      await call(cases[sent++ % cases.length] as GrpcCase);
  };
  const done = Promise.all(Array.from({ length: calls }, caller)).then(() => client.close());
  return {
    get right() {
      return right;
    },
    failures,
    more: async (count, ms = 10_000) => {
      const goal = right + count;
      await eventually(`${count} more right calls`, () => right >= goal || failures.length > 0, ms);
      if (failures.length > 0) throw new Error(`failed calls: ${failures.join('; ')}`);
    },
    stop: () => {
      stopped = true;
      return withDeadline('the end of the calls', done, CALL_MS + 5000);
    },
  };
}
