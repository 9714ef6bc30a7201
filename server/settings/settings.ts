import { ACCESS } from './access.ts';
import { LIMITS } from './limits.ts';
import { LISTENING } from './listening.ts';
import { MODELS } from './models.ts';
import { OBSERVATION } from './observation.ts';
import type { Environment, Setting } from './parsers.ts';
import { Expected } from './parsers.ts';
import { TRACES } from './traces.ts';
import { VERTEX } from './vertex.ts';

/**
 * Every setting: its default, its meaning and how its text is read. A test holds docs/settings.md to this table.
 * Units are in the names; sizes are in bytes, times in milliseconds.
 */
export const SETTINGS = {
  ...LISTENING,
  ...LIMITS,
  ...MODELS,
  ...ACCESS,
  ...OBSERVATION,
  ...TRACES,
  ...VERTEX,
} satisfies Record<string, Setting>;

type ValueOf<S extends Setting> =
  | Exclude<ReturnType<S['parse']>, Expected>
  | (S['default'] extends (env: Environment) => infer T ? T : S['default']);

/** The settings in force, one property for each entry of `SETTINGS`; undefined where a feature is off. */
export type Config = {
  readonly [Name in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[Name]>;
};

/** The environment holds values that no setting accepts; `faults` has a sentence for each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Reads the settings from an environment. An unset or empty variable means its default.
 *
 * @throws {ConfigError} naming every faulty variable at once
 */
export function parseConfig(env: Environment): Config {
  const faults: string[] = [];
  const values = Object.entries<Setting>(SETTINGS).map(([name, setting]) => {
    const text = env[name];
    if (text === undefined || text === '') return [name, defaultOf(setting, env)];
    const value = setting.parse(text);
    if (value instanceof Expected) faults.push(`${name} must be ${value.what}`);
    return [name, value];
  });
  const config = Object.fromEntries(values) as Config;
  faults.push(...contradictionsOf(config));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config);
}

const defaultOf = (setting: Setting, env: Environment): unknown =>
  typeof setting.default === 'function'
    ? (setting.default as (env: Environment) => unknown)(env)
    : setting.default;

/** Settings that are valid alone and not together. */
function contradictionsOf(config: Config): string[] {
  const faults: string[] = [];
  if ((config.AWS_BUCKET_NAME === undefined) !== (config.EXPERIMENT_ID === undefined))
    faults.push('AWS_BUCKET_NAME and EXPERIMENT_ID must be set together');
  if (config.ADMIN_PORT !== 0 && [config.PORT, config.METRICS_PORT].includes(config.ADMIN_PORT))
    faults.push('ADMIN_PORT must differ from PORT and METRICS_PORT');
  if ((config.TLS_CERT === undefined) !== (config.TLS_KEY === undefined))
    faults.push('TLS_CERT and TLS_KEY must be set together');
  if (config.METRICS_ACCESS === 'keys' && config.API_KEYS.length === 0 && config.API_KEYS_FILE === undefined)
    faults.push('METRICS_ACCESS=keys needs API_KEYS or API_KEYS_FILE');
  if (config.PORT === config.METRICS_PORT) faults.push('METRICS_PORT must differ from PORT');
  if (config.AIP_HEALTH_ROUTE !== undefined && config.AIP_HEALTH_ROUTE === config.AIP_PREDICT_ROUTE)
    faults.push('AIP_PREDICT_ROUTE must differ from AIP_HEALTH_ROUTE');
  if (
    config.AIP_EXPLAIN_ROUTE !== undefined &&
    [config.AIP_HEALTH_ROUTE, config.AIP_PREDICT_ROUTE].includes(config.AIP_EXPLAIN_ROUTE)
  )
    faults.push('AIP_EXPLAIN_ROUTE must differ from AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE');
  return faults;
}
