import { readCsv } from '../../dialects/forms/csv.ts';
import type { NativeRows } from '../../dialects/native.ts';
import { createAnswerWriter, readRows } from '../../dialects/native.ts';
import type { WriteOwnAnswer } from '../../dialects/customAnswer.ts';
import { createOwnWriter, writeOwnError } from '../../dialects/customAnswer.ts';
import { Problem } from '../../errors/problem.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { AppContext, Handler } from '../context.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import type { Predictor } from '../../prediction/predictor.ts';
import { answerJson, answerPrediction } from '../answer.ts';
import { readBytes, toText } from '../body.ts';
import type { Methods } from '../router.ts';
import { bodyType, requireJsonAnswer } from '../mediaTypes.ts';
import { createParameters } from '../parameters.ts';
import { readPairs, readQueryRow } from '../query.ts';
import { describeCall } from './usage.ts';

export interface PredictDeps {
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
  readonly port: number;
}

/** The model that a request is for. @throws {Problem} model_not_found */
export type ModelOf = (c: AppContext) => Model;

/** The routes of predictions, in the native form and in a model's own. */
export interface PredictRoutes {
  /**
   * `GET` tells how to call, or answers one row; `POST` predicts.
   *
   * @param isOwn whether POST answers in the model's own form; asked only for a model that has one
   * @param pathOf where the model is called, for the description
   */
  native(modelOf: ModelOf, isOwn: (model: Model) => boolean, pathOf: (model: Model) => string): Methods;
  /** `POST` predicts in the model's own form, or in the native one if it has none. */
  own(modelOf: ModelOf): Handler;
}

/** Of POST, with a body or a file. */
export const readPostParameters = createParameters({
  probabilities: ['false', 'true'],
  extra: ['error', 'ignore'],
  on_error: ['fail', 'null'],
  header: ['true', 'false'],
});
const readGetParameters = createParameters({ probabilities: ['false', 'true'], extra: ['error', 'ignore'] });
const readGetOwnParameters = createParameters({ extra: ['error', 'ignore'] });
const readOwnParameters = createParameters({ extra: ['error', 'ignore'], header: ['true', 'false'] });

/** @throws {Problem} invalid_parameter */
export function requireProbabilities({ output }: Model): void {
  if (output.task === 'classification') return;
  throw new Problem('invalid_parameter', {
    detail: 'This model predicts a value: there are no probabilities.',
  });
}

/** Reads a body as rows. @throws {Problem} for a body of another form; invalid_parameter */
type Decode = (text: string, model: Model) => NativeRows;

const decodeJson: Decode = (text, { signature }) => readRows(text, signature.inputs);
const decodeCsv: Decode = (text, { signature }) => ({
  table: readCsv(text, signature.inputs),
  single: false,
});
const decodeBareCsv: Decode = (text, { signature }) => ({
  table: readCsv(text, signature.inputs, false),
  single: false,
});

function decoderFor(c: AppContext, header: 'true' | 'false'): Decode {
  if (bodyType(c) === 'csv') return header === 'true' ? decodeCsv : decodeBareCsv;
  if (header === 'true') return decodeJson;
  throw new Problem('invalid_parameter', {
    detail: 'The query parameter header is for bodies of type text/csv.',
  });
}

export function createPredictRoutes({ predictor, http, maxBodyBytes, port }: PredictDeps): PredictRoutes {
  const writerOf = perModel(createAnswerWriter);
  const ownWriterOf = perModel(createOwnWriter);

  const readBody = async (c: AppContext): Promise<string> => {
    const bytes = await readBytes(c, maxBodyBytes);
    http.body(bytes.length);
    return toText(bytes);
  };

  const postNative = async (c: AppContext, model: Model): Promise<Response> => {
    requireJsonAnswer(c);
    const { probabilities, extra, on_error, header } = readPostParameters(c);
    const decode = decoderFor(c, header);
    const wanted = probabilities === 'true';
    if (wanted) requireProbabilities(model);
    const text = await readBody(c);
    const prediction = await predictor.predict(c.get('request'), model, () => decode(text, model), {
      ignoreExtra: extra === 'ignore',
      skipBadRows: on_error === 'null',
    });
    return answerPrediction(c, prediction, writerOf(model)(prediction.answers, prediction.rows, wanted));
  };

  const postOwn = async (c: AppContext, model: Model): Promise<Response> => {
    const write = ownWriterOf(model);
    if (!write) return postNative(c, model);
    c.set('writeError', writeOwnError);
    requireJsonAnswer(c);
    const { extra, header } = readOwnParameters(c);
    const decode = decoderFor(c, header);
    const text = await readBody(c);
    const prediction = await predictor.predict(c.get('request'), model, () => decode(text, model), {
      ignoreExtra: extra === 'ignore',
    });
    const { answers, rows, decoded } = prediction;
    return answerPrediction(c, prediction, write(answers, rows, decoded.single));
  };

  /** One row from the query. A name that is a column's is that column, even if it's a parameter's too. */
  const getRow = async (c: AppContext, model: Model, own: WriteOwnAnswer | undefined): Promise<Response> => {
    const { inputs } = model.signature;
    const pairs = readPairs(c);
    const isOption = ([name]: readonly [string, string]): boolean =>
      readGetParameters.names.has(name) && !inputs.some((input) => input.name === name);
    const options = pairs.filter(isOption);
    const { probabilities, extra } = own
      ? { ...readGetOwnParameters.of(options), probabilities: 'false' }
      : readGetParameters.of(options);
    const wanted = probabilities === 'true';
    if (wanted) requireProbabilities(model);
    const row = pairs.filter((pair) => !isOption(pair));
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      () => ({ table: readQueryRow(row, inputs) }),
      {
        ignoreExtra: extra === 'ignore',
      },
    );
    const { answers, rows } = prediction;
    const body = own ? own(answers, rows, true) : writerOf(model)(answers, rows, wanted);
    return answerPrediction(c, prediction, body);
  };

  return {
    own: (modelOf) => (c) => postOwn(c, modelOf(c)),
    native: (modelOf, isOwn, pathOf) => {
      const answersOwn = (model: Model): boolean => model.signature.answer !== undefined && isOwn(model);
      return {
        GET: (c) => {
          const model = modelOf(c);
          const own = answersOwn(model) ? ownWriterOf(model) : undefined;
          if (own) c.set('writeError', writeOwnError);
          requireJsonAnswer(c);
          return /\?./.test(c.req.url)
            ? getRow(c, model, own)
            : answerJson(c, JSON.stringify(describeCall(model, port, pathOf(model), own !== undefined)));
        },
        POST: (c) => {
          const model = modelOf(c);
          return answersOwn(model) ? postOwn(c, model) : postNative(c, model);
        },
      };
    },
  };
}
