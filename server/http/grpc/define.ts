import type { Registry } from 'prom-client';
import { writeFrame } from '../../dialects/grpc/frame.ts';
import type { GrpcMethod } from '../../dialects/grpc/services.ts';
import { GRPC_METHODS, readGrpcRequest, writeGrpcAnswer } from '../../dialects/grpc/services.ts';
import { Problem } from '../../errors/problem.ts';
import type { CountGrpcCall } from '../../metrics/grpc.ts';
import { createGrpcCounter } from '../../metrics/grpc.ts';
import { answerHeaders } from '../answerHeaders.ts';
import type { AppContext, Handler } from '../context.ts';
import type { WriteError } from '../../dialects/errorForm.ts';
import type { Serve } from '../middleware/serve.ts';
import type { DefineRoute } from '../router.ts';
import type { V2Deps } from '../routes/v2/v2.ts';
import { grpcErrors, okHeaders } from './answer.ts';
import type { GrpcCall } from './calls.ts';
import { grpcCalls } from './calls.ts';
import { grpcInfer } from './infer.ts';
import { isGrpc, readMessage } from './message.ts';
import { grpcReflection } from './reflection.ts';

/** Answers a call of a service or method that there isn't; undefined for what is no call. */
export type AnswerUnknownCall = (c: AppContext) => Promise<Response> | undefined;

/** Adds the routes of gRPC: docs/protocols.md. */
export type DefineGrpc = (
  defineRoute: DefineRoute,
  serveUnknown: (writeError: WriteError) => ReturnType<Serve>,
  deps: V2Deps,
) => AnswerUnknownCall;

const unimplemented: Handler = () => {
  throw new Problem('not_found', { detail: 'This server does not have this gRPC method.' });
};

/** Bytes of a message that has no tensors. */
const MOST_SMALL_BYTES = 64 * 1024;

function handlerOf(method: GrpcMethod, call: GrpcCall | undefined, { maxBodyBytes }: V2Deps): Handler {
  if (method.descriptor.name === 'ServerReflectionInfo') return grpcReflection(method);
  if (call === undefined) return unimplemented;
  return async (c) => {
    const message = await readMessage(c, Math.min(maxBodyBytes, MOST_SMALL_BYTES));
    const request = readGrpcRequest(method, message);
    const answer = writeFrame(writeGrpcAnswer(method, await call(c, request)));
    return new Response(answer, { headers: okHeaders(answerHeaders(c)) });
  };
}

/** Counts the calls that a handler answers; errors are counted where they are written. */
const counted =
  (handler: Handler, method: string, count: CountGrpcCall): Handler =>
  async (c) => {
    const answer = await handler(c);
    count(method, 'OK');
    return answer;
  };

/** Prepares gRPC for one process. */
export function createGrpc(registry: Registry): DefineGrpc {
  const count = createGrpcCounter(registry);
  return (defineRoute, serveUnknown, deps) => {
    const calls = grpcCalls(deps);
    for (const method of GRPC_METHODS) {
      const label = method.path.slice(1);
      const handler = label.endsWith('/ModelInfer')
        ? grpcInfer(deps)
        : handlerOf(method, calls[method.path], deps);
      defineRoute(method.path, { POST: counted(handler, label, count) }, grpcErrors(label, count));
    }
    const answerUnknown = serveUnknown(grpcErrors('none', count))(unimplemented);
    return (c) => (isGrpc(c) ? answerUnknown(c) : undefined);
  };
}
