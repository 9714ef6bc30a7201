import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { writeFrame } from '../dialects/grpc/frame.ts';
import { GRPC_METHODS, type GrpcMethod } from '../dialects/grpc/services.ts';
import { fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import type { JsonValue } from '@bufbuild/protobuf';
import { withDeadline } from './withDeadline.ts';

/** How a call ended, as gRPC's clients see it. */
export interface GrpcAnswer {
  /** Of HTTP. */
  readonly http: number;
  /** `grpc-status`; undefined without one, which clients report as UNKNOWN. */
  readonly status: string | undefined;
  /** `grpc-message`, decoded. */
  readonly message: string;
  /** Of the head and of the trailers. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface GrpcCallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends the bytes, and leaves the stream open until it has an answer. */
  readonly isOpen?: boolean;
}

/** A client without any logic of its own: it shows what arrives. */
export interface GrpcClient {
  readonly session: ClientHttp2Session;
  /** @param body with its frame */
  call(path: string, body: Uint8Array, options?: GrpcCallOptions): Promise<GrpcAnswer>;
  close(): void;
}

export function grpcClient(origin: string): GrpcClient {
  const session = connect(origin, { rejectUnauthorized: false, maxSendHeaderBlockLength: 1024 * 1024 });
  // Each call has its own error.
  session.on('error', () => undefined);
  const call: GrpcClient['call'] = (path, body, { headers = {}, isOpen = false } = {}) => {
    const answer = new Promise<GrpcAnswer>((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        te: 'trailers',
        'content-type': 'application/grpc',
        ...headers,
      });
      let all: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      const add = (some: IncomingHttpHeaders): void => void (all = { ...all, ...some });
      stream.on('response', add).on('trailers', add).on('error', reject);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () =>
        resolve({
          http: Number(all[':status']),
          status: all['grpc-status'] as string | undefined,
          message: decodeURIComponent((all['grpc-message'] as string | undefined) ?? ''),
          headers: all,
          body: Buffer.concat(chunks),
        }),
      );
      if (isOpen) stream.write(body);
      else stream.end(body);
    });
    return withDeadline(`the answer to ${path}`, answer, 20_000);
  };
  return { session, call, close: () => session.close() };
}

/** A method by the end of its path, such as `ModelReady`. */
export function grpcMethod(name: string): GrpcMethod {
  const found = GRPC_METHODS.find(({ path }) => path.endsWith(`/${name}`));
  if (!found) throw new Error(`there is no method ${name}`);
  return found;
}

/** A framed request of a method, from protobuf's JSON form. */
export const grpcRequest = ({ descriptor }: GrpcMethod, message: unknown): Buffer =>
  writeFrame(toBinary(descriptor.input, fromJson(descriptor.input, message as JsonValue)));

/** The first message of an answer, in protobuf's JSON form. */
export const grpcMessageOf = ({ descriptor }: GrpcMethod, body: Buffer): unknown =>
  toJson(descriptor.output, fromBinary(descriptor.output, body.subarray(5, 5 + body.readUInt32BE(1))), {
    useProtoFieldName: true,
  });
