import type { CsvForm } from '../../dialects/forms/csv.ts';
import { readCsv } from '../../dialects/forms/csv.ts';
import { readCsvBytes } from '../../dialects/csvBytes.ts';
import { readJsonLines } from '../../dialects/forms/jsonLines.ts';
import { createLinesWriter } from '../../dialects/linesAnswer.ts';
import { CSV_PARAMETERS } from '../../dialects/queryParameters.ts';
import { readMlflow, writeMlflowError } from '../../dialects/mlflow.ts';
import { createPredictionsWriter } from '../../dialects/predictions.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { InferenceRecorder } from '../../metrics/inference.ts';
import type { AppContext, Handler } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import type { Decoded, Predictor } from '../../prediction/predictor.ts';
import { answerJson, answerPrediction, answerText } from '../answer.ts';
import { toText } from '../body.ts';
import type { DefineRoute } from '../router.ts';
import type { Lifecycle } from './health.ts';
import { requireServing } from './health.ts';
import type { MlflowBody } from '../mlflowBody.ts';
import { requireMlflowBody } from '../mlflowBody.ts';
import { acceptedLines } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import { findDefaultModel, findNamedModel } from '../modelOf.ts';
import { createParameterReader, refuseParameters } from '../parameters.ts';
import { readCounted, readDelimiter } from './predictInput.ts';

export interface MlflowDeps {
  readonly catalogue: Catalogue;
  readonly predictor: Predictor;
  readonly lifecycle: Lifecycle;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  readonly maxBodyBytes: number;
  /** Of this software. */
  readonly version: string;
}

const readCsvParameters = createParameterReader(CSV_PARAMETERS);

/** SageMaker's batch transform sends files without a header, and can't say so. */
const HEADERS = { present: true, absent: false } as const;

/** The form of a CSV; undefined for JSON. @throws {Problem} invalid_parameter */
function csvForm(c: AppContext, { kind, header }: MlflowBody): CsvForm | undefined {
  if (kind !== 'csv') {
    refuseParameters(c);
    return undefined;
  }
  const { delimiter, decimal } = readCsvParameters(c);
  return {
    header: header === undefined ? 'found' : HEADERS[header],
    delimiter: readDelimiter(delimiter),
    decimal,
    ignoreExtra: true,
    advice: 'add it, or send text/csv; header=absent',
  };
}

function readBody(
  body: Buffer,
  model: Model,
  { kind, format }: MlflowBody,
  form: CsvForm | undefined,
): Decoded {
  const { inputs } = model.signature;
  const read =
    kind === 'csv'
      ? readCsvBytes(body, model, form)
      : kind === 'json' && format === undefined
        ? model.encoder.readBytes?.(body, 'mlflow')
        : undefined;
  if (read) return read;
  const text = toText(body);
  if (kind === 'csv') return { table: readCsv(text, inputs, form) };
  return {
    table: kind === 'lines' ? readJsonLines(text, inputs) : readMlflow(text, model, format ?? 'json'),
  };
}

function mlflowHandler({ predictor, http, recorder, maxBodyBytes }: MlflowDeps, modelOf: ModelOf): Handler {
  const writerOf = perModel(createPredictionsWriter);
  const linesWriterOf = perModel(createLinesWriter);
  return async (c) => {
    const model = modelOf(c);
    const body = requireMlflowBody(c);
    const form = csvForm(c, body);
    const lines = acceptedLines(c);
    const bytes = await readCounted(c, { http, maxBodyBytes });
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      () => readBody(bytes, model, body, form),
      { ignoreExtra: true },
    );
    const { answers, rows, decoded } = prediction;
    // No column is missing or occurs twice, so the surplus are extra ones.
    const extra = decoded.table.columns.length - model.signature.inputs.length;
    if (extra > 0) recorder.ignored(model, extra);
    if (decoded.table.headerAbsent === true) recorder.headerAbsent(model);
    return lines === undefined
      ? answerPrediction(c, prediction, writerOf(model)(answers))
      : answerPrediction(c, prediction, linesWriterOf(model)(answers, rows, false), lines);
  };
}

/** Adds MLflow's scoring protocol, which is SageMaker's container contract too. */
export function defineMlflow(defineRoute: DefineRoute, deps: MlflowDeps): void {
  const ping: Handler = (c) => {
    requireServing(deps.lifecycle);
    return answerJson(c, '\n');
  };
  defineRoute(
    '/invocations',
    { POST: mlflowHandler(deps, findDefaultModel(deps.catalogue)) },
    writeMlflowError,
  );
  // SageMaker's, for endpoints of many models.
  defineRoute(
    '/models/:model/invoke',
    { POST: mlflowHandler(deps, findNamedModel(deps.catalogue)) },
    writeMlflowError,
  );
  defineRoute('/ping', { GET: ping }, writeMlflowError);
  defineRoute('/health', { GET: ping }, writeMlflowError);
  defineRoute('/version', { GET: (c) => answerText(c, deps.version) }, writeMlflowError);
}
