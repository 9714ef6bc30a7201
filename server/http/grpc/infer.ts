import { writeGrpcInferAnswer } from '../../dialects/grpc/inferAnswer.ts';
import { readInferMessage } from '../../dialects/grpc/inferMessage.ts';
import { readGrpcRows } from '../../dialects/grpc/inferRequest.ts';
import { readGrpcTimeout } from '../../dialects/grpc/timeout.ts';
import { outputTensors } from '../../dialects/v2/outputs.ts';
import { Problem } from '../../errors/problem.ts';
import { perModel } from '../../model/perModel.ts';
import type { PredictRequest } from '../../prediction/request.ts';
import { predictionHeaders } from '../answerHeaders.ts';
import type { AppContext, Handler } from '../context.ts';
import { header } from '../header.ts';
import { findModel } from '../modelOf.ts';
import type { V2InferDeps } from '../routes/v2/v2Infer.ts';
import { okHeaders } from './answer.ts';
import { readMessage } from './message.ts';

/** The request, and the race of its prediction against the deadline that its client set. */
interface Limited {
  readonly request: PredictRequest;
  within<T>(prediction: Promise<T> | T): Promise<T> | T;
}

/** @throws {Problem} invalid_parameter, or deadline_exceeded if the time is over already */
function limit(c: AppContext): Limited {
  const request = c.get('request');
  const wanted = readGrpcTimeout(header(c, 'grpc-timeout'));
  // A timer can't wait longer; the server's own deadline is sooner.
  const timeoutMs = wanted !== undefined && wanted < 2 ** 31 ? wanted : undefined;
  const isPlain = header(c, 'grpc-encoding') === undefined;
  if (timeoutMs === undefined && isPlain) return { request, within: (prediction) => prediction };
  const leftMs = timeoutMs === undefined ? Infinity : request.arrived + timeoutMs - performance.now();
  if (leftMs <= 0) throw new Problem('deadline_exceeded');
  const controller = new AbortController();
  return {
    request: {
      id: request.id,
      arrived: request.arrived,
      // A compressed message may hold anything.
      size: isPlain ? request.size : 'large',
      trace: request.trace,
      waitedSince: request.waitedSince,
      signal: () => AbortSignal.any([request.signal(), controller.signal]),
    },
    within: (prediction) =>
      prediction instanceof Promise && leftMs < Infinity
        ? new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
              reject(new Problem('deadline_exceeded'));
              controller.abort();
            }, leftMs);
            prediction.finally(() => clearTimeout(timer)).then(resolve, reject);
          })
        : prediction,
  };
}

/** `ModelInfer`. The model is in the message, whose tensors are read in its decode turn. */
export function grpcInfer({ catalogue, predictor, http, maxBodyBytes }: V2InferDeps): Handler {
  const outputsOf = perModel(({ output }) => outputTensors(output));
  return async (c) => {
    const bytes = await readMessage(c, maxBodyBytes);
    http.body(bytes.length);
    const message = readInferMessage(bytes);
    const model = findModel(c, catalogue, message.modelName, message.modelVersion || undefined);
    const { request, within } = limit(c);
    const prediction = await within(
      predictor.predict(request, model, () => readGrpcRows(message, model, outputsOf(model)), {}),
    );
    const { decoded, rows, answers } = prediction;
    const body = writeGrpcInferAnswer(model, decoded.request, rows.rows, answers);
    return new Response(body, { headers: okHeaders(predictionHeaders(request.id, prediction)) });
  };
}
