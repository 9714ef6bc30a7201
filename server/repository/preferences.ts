import { ModelRefused } from '../model/model.ts';

/** Which version of a model is served where none is named. */
export type Pin = number | 'latest';

/** What a repository itself says about what is served; settings come first. */
export interface Preferences {
  readonly default?: string;
  readonly versions?: Readonly<Record<string, Pin>>;
}

/** Lies beside the models' folders. */
export const PREFERENCES_FILE = 'repository.json';

const isPin = (value: unknown): value is Pin =>
  value === 'latest' || (Number.isInteger(value) && (value as number) > 0);

/** @throws {ModelRefused} when it says anything else than `default` and `versions` */
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
  const { default: standard, versions = {}, ...others } = json as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) return refuse('may hold default and versions only');
  if (standard !== undefined && typeof standard !== 'string') return refuse('/default must be a model name');
  const fits = typeof versions === 'object' && versions !== null && Object.values(versions).every(isPin);
  if (!fits) return refuse('/versions must give a positive integer or "latest" for each model');
  return {
    ...(standard === undefined ? {} : { default: standard }),
    versions: versions as Record<string, Pin>,
  };
}

/** `adult=1,*=latest`: pins by model name, `*` for all others; undefined for a text of another form. */
export function parsePins(text: string): ReadonlyMap<string, Pin> | undefined {
  const pins = new Map<string, Pin>();
  for (const part of text.split(',').filter((piece) => piece.trim() !== '')) {
    const [, name, version] =
      /^\s*([A-Za-z0-9][A-Za-z0-9._-]{0,63}|\*)=(latest|[1-9]\d{0,8})\s*$/.exec(part) ?? [];
    if (name === undefined || version === undefined || pins.has(name)) return undefined;
    // A number means nothing for all models at once.
    if (name === '*' && version !== 'latest') return undefined;
    pins.set(name, version === 'latest' ? 'latest' : Number(version));
  }
  return pins;
}
