import { writeV2InferAnswer } from '../../../dialects/v2/answer.ts';
import { contributionMatrix } from '../../../dialects/explanation.ts';
import { classOf, findContributions, withContributions } from '../../../dialects/v2/contributions.ts';
import { outputTensors } from '../../../dialects/v2/outputs.ts';
import type { V2Rows } from '../../../dialects/v2/bytes.ts';
import { readV2Rows } from '../../../dialects/v2/bytes.ts';
import { Problem } from '../../../errors/problem.ts';
import type { HttpRecorder } from '../../../metrics/http.ts';
import type { AppContext, Handler } from '../../context.ts';
import { header } from '../../header.ts';
import type { Catalogue } from '../../../model/catalogue.ts';
import type { Model } from '../../../model/model.ts';
import { perModel } from '../../../model/perModel.ts';
import type { Explainer } from '../../../prediction/explainer.ts';
import { predictWithin } from '../../../prediction/predictWithin.ts';
import type { Decoded, Predictor } from '../../../prediction/predictor.ts';
import { answerExplained, answerPrediction } from '../../answer.ts';
import { explainedHeaders, predictionHeaders } from '../../answerHeaders.ts';
import { readBytes } from '../../body.ts';
import { findNamedModel } from '../../modelOf.ts';
import { requireV2InferBody } from '../../mediaTypes.ts';
import { refuseParameters } from '../../parameters.ts';

export interface V2InferDeps {
  readonly catalogue: Catalogue;
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
  /** Without it there are no contributions. */
  readonly explainer: Explainer | undefined;
}

interface V2Decoded extends Decoded {
  readonly request: V2Rows['request'];
  /** The class whose score is explained; undefined where none is. */
  readonly of: ReturnType<typeof classOf> | undefined;
}

/** The length in bytes of the JSON in a body that binary data follow. */
const HEADER_LENGTH = 'inference-header-content-length';
const BINARY = 'application/octet-stream';

function readHeaderLength(c: AppContext): number | undefined {
  const length = header(c, HEADER_LENGTH);
  if (length === undefined) return undefined;
  if (/^\d{1,10}$/.test(length)) return Number(length);
  throw new Problem('invalid_body', { detail: 'Inference-Header-Content-Length must be a number of bytes.' });
}

/** `POST /v2/models/{m}[/versions/{v}]/infer`: JSON, and binary data if the client sends or wants them. */
export function v2InferHandler(deps: V2InferDeps): Handler {
  const { catalogue, predictor, http, maxBodyBytes, explainer } = deps;
  const modelOf = findNamedModel(catalogue);
  const outputsOf = perModel((model: Model) => {
    const outputs = outputTensors(model.output);
    return explainer ? withContributions(model, outputs) : outputs;
  });
  return async (c) => {
    const model = modelOf(c);
    const headerLength = readHeaderLength(c);
    requireV2InferBody(c, headerLength !== undefined);
    refuseParameters(c);
    const bytes = await readBytes(c, maxBodyBytes);
    http.body(bytes.length);
    const decode = (): V2Decoded => {
      const decoded = readV2Rows(bytes, headerLength, model, outputsOf(model));
      const contributions = explainer && findContributions(decoded.request.wanted);
      if (!contributions) return { ...decoded, of: undefined };
      explainer.requireExplainable(model);
      return { ...explainer.requireFewRows(model, decoded), of: classOf(model, contributions) };
    };
    const prediction = await (bytes.includes('"timeout"')
      ? predictWithin(predictor, c.get('request'), model, decode, {
          timeoutMsOf: ({ request }) => request.timeoutMs,
        })
      : predictor.predict(c.get('request'), model, decode, {}));
    const { decoded, rows, answers } = prediction;
    const { request, of } = decoded;
    const explained = of === undefined ? undefined : await explainer?.explain(c.get('request'), model, rows);
    const matrix = explained && contributionMatrix(model, explained, answers, of ?? 'predicted');
    const { json, binary } = writeV2InferAnswer(model, request, rows.rows, answers, matrix);
    if (binary.length === 0)
      return explained
        ? answerExplained(c, prediction, explained, json)
        : answerPrediction(c, prediction, json);
    const head = Buffer.from(json);
    return new Response(Buffer.concat([head, ...binary]), {
      headers: {
        ...(explained
          ? explainedHeaders(c.get('request').id, prediction, explained.seconds, BINARY)
          : predictionHeaders(c.get('request').id, prediction, BINARY)),
        [HEADER_LENGTH]: String(head.length),
      },
    });
  };
}
