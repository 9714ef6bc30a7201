import { ModelRefused } from '../model/refused.ts';
import type { Pin } from '../settings/pins.ts';

/** The repository's own choice of the served versions; settings come first. */
export interface Preferences {
  readonly default?: string;
  readonly versions?: Readonly<Record<string, Pin>>;
}

/** The file beside the models' folders. */
export const PREFERENCES_FILE = 'repository.json';

const isPin = (value: unknown): value is Pin =>
  value === 'latest' || (Number.isInteger(value) && (value as number) > 0);

/** @throws {ModelRefused} unless it holds nothing but `default` and `versions` */
export function parsePreferences(text: string): Preferences {
  const refuse = (reason: string): never => {
    throw new ModelRefused('repository', `${PREFERENCES_FILE} ${reason}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('is not valid JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse('must be an object');
  const { default: defaultModel, versions = {}, ...others } = json as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) return refuse('may hold default and versions only');
  if (defaultModel !== undefined && typeof defaultModel !== 'string')
    return refuse('/default must be a model name');
  const fits = typeof versions === 'object' && versions !== null && Object.values(versions).every(isPin);
  if (!fits) return refuse('/versions must give a positive integer or "latest" for each model');
  return {
    ...(defaultModel === undefined ? {} : { default: defaultModel }),
    versions: versions as Record<string, Pin>,
  };
}
