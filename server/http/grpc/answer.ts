import type { WriteError } from '../../dialects/errorForm.ts';
import { GRPC_CODES, GRPC_CODE_OF, grpcMessage } from '../../dialects/grpc/status.ts';
import type { CountGrpcCall } from '../../metrics/grpc.ts';

export const GRPC_TYPE = 'application/grpc';

/**
 * nginx makes trailers of these headers. At a path of another service it passes them on: an answer without messages may
 * have its status there.
 */
const STATUS = 'grpc-status';
const MESSAGE = 'grpc-message';

/** The headers of an answer with messages. */
export const okHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> => ({
  ...headers,
  'content-type': GRPC_TYPE,
  [STATUS]: String(GRPC_CODES.OK),
});

/** Writes the errors of a method, and counts them. */
export const grpcErrors =
  (method: string, count: CountGrpcCall): WriteError =>
  (problem) => {
    const code = GRPC_CODE_OF[problem.code];
    count(method, code);
    return {
      type: GRPC_TYPE,
      body: '',
      status: 200,
      headers: { [STATUS]: String(GRPC_CODES[code]), [MESSAGE]: grpcMessage(problem) },
    };
  };
