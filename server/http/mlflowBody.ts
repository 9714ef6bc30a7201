import type { PandasFormat } from '../dialects/mlflow.ts';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';

/** The form of a body of `/invocations`. MLflow 1.x may name the form of JSON as a parameter of the media type. */
export type MlflowBody = 'csv' | 'json' | PandasFormat;

/** By media type and value of its parameter `format`; '' for none. */
const FORMATS: Readonly<Record<string, Readonly<Record<string, MlflowBody>>>> = {
  'application/json': { '': 'json', 'pandas-split': 'pandas-split', 'pandas-records': 'pandas-records' },
  'text/csv': { '': 'csv' },
};

/** @throws {Problem} unsupported_media_type */
export function requireMlflowBody(c: AppContext): MlflowBody {
  const [type = '', ...parameters] = (header(c, 'content-type') ?? 'application/json')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  let format = '';
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=').map((part) => part.trim());
    if (name === 'format') format = value;
    else if (name === 'charset' ? !/^"?utf-8"?$/.test(value) : name !== '')
      throw new Problem('unsupported_media_type');
  }
  const formats = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
  if (!formats || !Object.hasOwn(formats, format)) throw new Problem('unsupported_media_type');
  return formats[format] as MlflowBody;
}
