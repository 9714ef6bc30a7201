import { writeV2InferAnswer } from '../../../dialects/v2/answer.ts';
import { outputTensors } from '../../../dialects/v2/outputs.ts';
import type { V2InferRequest } from '../../../dialects/v2/request.ts';
import { readV2InferRequest } from '../../../dialects/v2/request.ts';
import { toTable } from '../../../dialects/v2/table.ts';
import { Problem } from '../../../errors/problem.ts';
import type { HttpRecorder } from '../../../metrics/http.ts';
import type { AppContext, Handler } from '../../context.ts';
import { header } from '../../header.ts';
import type { Catalogue } from '../../../model/catalogue.ts';
import { perModel } from '../../../model/perModel.ts';
import { predictWithin } from '../../../prediction/predictWithin.ts';
import type { Decoded, Predictor } from '../../../prediction/predictor.ts';
import { answerPrediction } from '../../answer.ts';
import { predictionHeaders } from '../../answerHeaders.ts';
import { readBytes } from '../../body.ts';
import { findNamedModel } from '../../modelOf.ts';
import { requireV2InferBody } from '../../mediaTypes.ts';
import { refuseParameters } from '../../parameters.ts';

export interface V2InferDeps {
  readonly catalogue: Catalogue;
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
}

/** The length in bytes of the JSON in a body that binary data follow. */
const HEADER_LENGTH = 'inference-header-content-length';

function readHeaderLength(c: AppContext): number | undefined {
  const length = header(c, HEADER_LENGTH);
  if (length === undefined) return undefined;
  if (/^\d{1,10}$/.test(length)) return Number(length);
  throw new Problem('invalid_body', { detail: 'Inference-Header-Content-Length must be a number of bytes.' });
}

/** `POST /v2/models/{m}[/versions/{v}]/infer`: JSON, and binary data if the client sends or wants them. */
export function v2InferHandler({ catalogue, predictor, http, maxBodyBytes }: V2InferDeps): Handler {
  const modelOf = findNamedModel(catalogue);
  const outputsOf = perModel(({ output }) => outputTensors(output));
  return async (c) => {
    const model = modelOf(c);
    const headerLength = readHeaderLength(c);
    requireV2InferBody(c, headerLength !== undefined);
    refuseParameters(c);
    const bytes = await readBytes(c, maxBodyBytes);
    http.body(bytes.length);
    const decode = (): Decoded & { readonly request: V2InferRequest } => {
      const request = readV2InferRequest(bytes, headerLength, model, outputsOf(model));
      return { request, table: toTable(request.tensors, model.signature.inputs) };
    };
    const prediction = await (bytes.includes('"timeout"')
      ? predictWithin(predictor, c.get('request'), model, decode, ({ request }) => request.timeoutMs)
      : predictor.predict(c.get('request'), model, decode, {}));
    const { decoded, rows, answers } = prediction;
    const { json, binary } = writeV2InferAnswer(model, decoded.request, rows.rows, answers);
    if (binary.length === 0) return answerPrediction(c, prediction, json);
    const head = Buffer.from(json);
    return new Response(Buffer.concat([head, ...binary]), {
      headers: {
        ...predictionHeaders(c.get('request').id, prediction, 'application/octet-stream'),
        [HEADER_LENGTH]: String(head.length),
      },
    });
  };
}
