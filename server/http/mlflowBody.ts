import type { PandasFormat } from '../dialects/mlflow.ts';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import type { BodyType } from './mediaTypes.ts';
import { bodyType, parseMediaType, readBodyType } from './mediaTypes.ts';

/** The type of a body of `/invocations`. MLflow 1.x may name the form of JSON as a parameter of the media type. */
export type MlflowBody = BodyType & { readonly format?: PandasFormat };

const isPandasFormat = (value: string): value is PandasFormat =>
  value === 'pandas-split' || value === 'pandas-records';

/** @throws {Problem} unsupported_media_type */
export function requireMlflowBody(c: AppContext): MlflowBody {
  const text = header(c, 'content-type');
  if (text === undefined || !/format/i.test(text)) return bodyType(c);
  const { type, parameters } = parseMediaType(text);
  const format = parameters.get('format') ?? '';
  const body = readBodyType({
    type,
    parameters: new Map([...parameters].filter(([name]) => name !== 'format')),
  });
  if (!body) throw new Problem('unsupported_media_type');
  if (format === '') return body;
  if (type !== 'application/json' || !isPandasFormat(format)) throw new Problem('unsupported_media_type');
  return { ...body, format };
}
