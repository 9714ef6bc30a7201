import { writeGrpcInferAnswer } from '../../dialects/grpc/inferAnswer.ts';
import { readInferMessage } from '../../dialects/grpc/inferMessage.ts';
import type { GrpcRows } from '../../dialects/grpc/inferRequest.ts';
import { readGrpcRows } from '../../dialects/grpc/inferRequest.ts';
import { readGrpcTimeout } from '../../dialects/grpc/timeout.ts';
import { outputTensors } from '../../dialects/v2/outputs.ts';
import { perModel } from '../../model/perModel.ts';
import { predictWithin } from '../../prediction/predictWithin.ts';
import type { PredictRequest } from '../../prediction/request.ts';
import { predictionHeaders } from '../answerHeaders.ts';
import type { AppContext, Handler } from '../context.ts';
import { header } from '../header.ts';
import { findModel } from '../modelOf.ts';
import type { V2InferDeps } from '../routes/v2/v2Infer.ts';
import { okHeaders } from './answer.ts';
import { readMessage } from './message.ts';

/** The request as the predictor takes it: a compressed message may hold anything. */
function requestOf(c: AppContext): PredictRequest {
  const request = c.get('request');
  if (header(c, 'grpc-encoding') === undefined) return request;
  const { id, arrived, waitedSince, trace } = request;
  return { id, arrived, waitedSince, trace, size: 'large', signal: () => request.signal() };
}

/** `ModelInfer`. The model is in the message, whose tensors are read in its decode turn. */
export function grpcInfer({ catalogue, predictor, http, maxBodyBytes }: V2InferDeps): Handler {
  const outputsOf = perModel(({ output }) => outputTensors(output));
  return async (c) => {
    const bytes = await readMessage(c, maxBodyBytes);
    http.body(bytes.length);
    const message = readInferMessage(bytes);
    const model = findModel(c, catalogue, message.modelName, message.modelVersion || undefined);
    const request = requestOf(c);
    const timeoutMs = readGrpcTimeout(header(c, 'grpc-timeout'));
    const decode = (): GrpcRows => readGrpcRows(message, model, outputsOf(model));
    const prediction = await (timeoutMs === undefined
      ? predictor.predict(request, model, decode, {})
      : predictWithin(predictor, request, model, decode, { timeoutMs }));
    const { decoded, rows, answers } = prediction;
    const body = writeGrpcInferAnswer(model, decoded.request, rows.rows, answers);
    return new Response(body, { headers: okHeaders(predictionHeaders(request.id, prediction)) });
  };
}
