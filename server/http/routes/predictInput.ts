import type { CsvForm } from '../../dialects/forms/csv.ts';
import { readCsv } from '../../dialects/forms/csv.ts';
import { readCsvBytes } from '../../dialects/csvBytes.ts';
import type { Delimiter } from '../../dialects/forms/delimiter.ts';
import { readJsonLines } from '../../dialects/forms/jsonLines.ts';
import type { NativeRows } from '../../dialects/native.ts';
import { readNativeRows } from '../../dialects/native.ts';
import { PREDICT_PARAMETERS } from '../../dialects/queryParameters.ts';
import { Problem } from '../../errors/problem.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { Model } from '../../model/model.ts';
import type { Input } from '../../model/signature.ts';
import { givesProbabilities } from '../../model/signature.ts';
import type { Decoded, Predictor } from '../../prediction/predictor.ts';
import { readBytes, toText } from '../body.ts';
import type { AppContext } from '../context.ts';
import type { BodyType } from '../mediaTypes.ts';
import { bodyType } from '../mediaTypes.ts';
import type { ParameterValues } from '../parameters.ts';
import { createParameterReader } from '../parameters.ts';
import type { Pairs } from '../query.ts';
import { readPairs } from '../query.ts';

// What the native and the custom form read of a request.

export interface PredictDeps {
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
  readonly port: number;
}

/** The query parameters of a POST in the native form, with a body or a file. */
export const readNativeParameters = createParameterReader(PREDICT_PARAMETERS.native.post);

/** @throws {Problem} invalid_parameter */
export function requireProbabilities({ output }: Model): void {
  if (givesProbabilities(output)) return;
  throw new Problem('invalid_parameter', {
    detail: 'This model gives no probabilities.',
  });
}

/** Reads a body as rows. @throws {Problem} for a body of another form */
type Decode = (body: Buffer, model: Model) => NativeRows & Decoded;

export const decodeJson: Decode = (body, { signature, encoder }) =>
  encoder.readBytes?.(body, 'native') ?? readNativeRows(toText(body), signature.inputs);

const decodeLines =
  (skipBadRows: boolean): Decode =>
  (body, { signature }) => ({
    table: readJsonLines(toText(body), signature.inputs, skipBadRows),
    single: false,
  });

/** The query parameters that say how a CSV is written. */
type CsvParameters = ParameterValues<typeof PREDICT_PARAMETERS.custom.post>;

/** The delimiter that a value of the parameter names. */
export const readDelimiter = (value: CsvParameters['delimiter']): Delimiter =>
  value === 'tab' ? '\t' : value;

/**
 * The form of a CSV by the request's parameters and its media type.
 *
 * @throws {Problem} invalid_parameter if the two contradict each other
 */
export function csvForm(
  { header, delimiter, decimal, extra }: CsvParameters,
  declared: Pick<BodyType, 'header'>,
): CsvForm {
  if (declared.header === 'present' && header === 'false')
    throw new Problem('invalid_parameter', {
      detail: 'The query says header=false, and the content type says header=present.',
    });
  return {
    header: header === 'true' && declared.header !== 'absent',
    delimiter: readDelimiter(delimiter),
    decimal,
    ignoreExtra: extra === 'ignore',
  };
}

/** @throws {Problem} invalid_parameter if a parameter of CSV has another value than its default */
function refuseCsvParameters({ header, delimiter, decimal }: CsvParameters): void {
  if (header === 'true' && delimiter === ',' && decimal === '.') return;
  const name = header === 'false' ? 'header' : delimiter === ',' ? 'decimal' : 'delimiter';
  throw new Problem('invalid_parameter', {
    detail: `The query parameter ${name} is for bodies of type text/csv.`,
  });
}

/** The decoder of the request's media type. @throws {Problem} unsupported_media_type or invalid_parameter */
export function decoderFor(c: AppContext, parameters: CsvParameters, skipBadRows = false): Decode {
  const body = bodyType(c);
  if (body.kind === 'csv') {
    const form = csvForm(parameters, body);
    return (bytes, model) => ({
      ...(readCsvBytes(bytes, model, form) ?? {
        table: readCsv(toText(bytes), model.signature.inputs, form),
      }),
      single: false,
    });
  }
  refuseCsvParameters(parameters);
  return body.kind === 'json' ? decodeJson : decodeLines(skipBadRows);
}

/** Reads a body and records its size. @throws {Problem} as `readBytes` */
export async function readCounted(
  c: AppContext,
  { http, maxBodyBytes }: Pick<PredictDeps, 'http' | 'maxBodyBytes'>,
): Promise<Buffer> {
  const bytes = await readBytes(c, maxBodyBytes);
  http.body(bytes.length);
  return bytes;
}

/** Whether a query holds anything. */
export const hasQuery = (c: AppContext): boolean => /\?./.test(c.req.url);

/**
 * Splits a query into the cells of one row and the parameters beside them. A name of both is the column's.
 *
 * @throws {Problem} invalid_parameter
 */
export function readRowQuery(
  c: AppContext,
  inputs: readonly Input[],
): { readonly cells: Pairs; readonly options: Pairs } {
  const pairs = readPairs(c);
  const isOption = ([name]: readonly [string, string]): boolean =>
    Object.hasOwn(PREDICT_PARAMETERS.native.get, name) && !inputs.some((input) => input.name === name);
  return { cells: pairs.filter((pair) => !isOption(pair)), options: pairs.filter(isOption) };
}
