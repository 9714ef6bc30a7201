import { availableCpus } from './cpus.ts';
import { isHealthPath, isPredictPath } from './vertexPaths.ts';

/** Smallest and largest accepted values of an integer setting. */
type Range = readonly [min: number, max: number];

interface Setting<T> {
  /** The value when the variable is unset or empty. */
  readonly default: T | ((defaults: Defaults) => T);
  /** The default as the documentation shows it, where it isn't a constant. */
  readonly shown?: string;
  readonly meaning: string;
  /** The value, or a sentence fragment that says what is accepted. */
  readonly parse: (text: string) => T | Refusal;
}

interface Defaults {
  readonly env: Environment;
}

/** Why a text is no value of a setting: completes "NAME must be …". */
class Refusal {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const integer =
  ([min, max]: Range) =>
  (text: string): number | Refusal => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max
      ? value
      : new Refusal(`an integer from ${min} to ${max}`);
  };

const oneOf =
  <const T extends string>(...values: readonly T[]) =>
  (text: string): T | Refusal =>
    values.find((value) => value === text) ?? new Refusal(`one of ${values.join(', ')}`);

const host = (text: string): string | Refusal =>
  /^[A-Za-z0-9.:-]+$/.test(text) ? text : new Refusal('a host name or an IP address');

const accessLog = (text: string): string | Refusal =>
  text === 'off' || text === 'stdout' || /^\/[^\s;{}'"$\\]+$/.test(text)
    ? text
    : new Refusal('off, stdout or an absolute path without spaces');

const healthRoute = (text: string): string | Refusal =>
  isHealthPath(text)
    ? text
    : new Refusal('a path that no other route has, such as /vertex/health, or /ping or /health/ready');

const predictRoute = (text: string): string | Refusal =>
  isPredictPath(text)
    ? text
    : new Refusal('a path that no other route has, such as /vertex/predict, or /v1/models/NAME:predict');
/** `*`, or origins exactly as browsers write them: lower case, no path, no default port. */
const origins = (text: string): string | Refusal => {
  const list = text.split(',').map((origin) => origin.trim());
  const isOrigin = (origin: string): boolean => URL.canParse(origin) && new URL(origin).origin === origin;
  return text.trim() === '*' || list.every(isOrigin)
    ? list.join(',')
    : new Refusal('* or origins like https://example.org, with commas between them');
};

/**
 * Every setting: its default, its meaning and what it accepts. The README's table is held to this one by a
 * test. Units are in the names; sizes are in bytes, times in milliseconds.
 */
export const SETTINGS = {
  PORT: {
    default: ({ env }) => Number(env['AIP_HTTP_PORT'] || 5000),
    shown: '`5000`',
    parse: integer([1, 65_535]),
    meaning: 'Public port. `servemodel.sh serve` makes the default 8080, as SageMaker expects.',
  },
  HOST: { default: '0.0.0.0', parse: host, meaning: 'Address that the public port listens on.' },
  METRICS_PORT: { default: 9464, parse: integer([1, 65_535]), meaning: 'Port of `GET /metrics`.' },
  METRICS_HOST: {
    default: ({ env }) => env['HOST'] || '0.0.0.0',
    shown: '`HOST`',
    parse: host,
    meaning: 'Address that the metrics port listens on.',
  },
  WEB_CONCURRENCY: {
    default: () => Math.max(2, availableCpus()),
    shown: 'usable CPUs, at least 2',
    parse: integer([1, 256]),
    meaning:
      'Server processes. With one, a crash or a reload can lose requests: there is no other to replay on.',
  },
  INFERENCE_THREADS: {
    default: 1,
    parse: integer([1, 64]),
    meaning: 'Inference threads of each server process.',
  },
  MODEL_REPOSITORY: {
    default: './models',
    parse: (text) => text,
    meaning: 'Folder that holds `<name>/<version>/model.onnx`; a relative path starts at the project folder.',
  },
  DEFAULT_MODEL: {
    default: '',
    shown: 'first by name',
    parse: (text) => text,
    meaning: 'Model that answers `/predict`.',
  },
  ENGINE: {
    default: 'auto' as const,
    parse: oneOf('auto', 'onnxruntime'),
    meaning:
      '`auto` compiles what it can and verifies it against ONNX Runtime; `onnxruntime` serves the whole graph.',
  },
  DEADLINE_MS: {
    default: 5000,
    parse: integer([10, 6000]),
    meaning:
      'Time a request may take before it is answered 504. At most 6000: a shutdown must be able to answer it.',
  },
  MAX_BODY_BYTES: {
    default: 10 * 1024 * 1024,
    shown: '10485760 (10 MiB)',
    parse: integer([1024, 1024 ** 3]),
    meaning: 'Largest request body; a larger one is answered 413.',
  },
  MAX_FILE_BYTES: {
    default: 256 * 1024 * 1024,
    shown: '268435456 (256 MiB)',
    parse: integer([1024, 1024 ** 4]),
    meaning: 'Largest upload to `/predict_file`; it lies in `TMPDIR` while it is worked on.',
  },
  MAX_QUEUED_ROWS: {
    default: 100_000,
    parse: integer([1, 100_000_000]),
    meaning:
      'Rows that may wait in one process; above it requests are answered 503. An empty queue takes any request.',
  },
  CORS_ORIGINS: {
    default: '',
    shown: 'off',
    parse: origins,
    meaning: 'Origins whose web pages may call this server, with commas between them, or `*`.',
  },
  PLAYGROUND: {
    default: 'on' as const,
    parse: oneOf('on', 'off'),
    meaning:
      'The page at `/`, and `GET /stats`, which tells its visitors the rate and latency of the server.',
  },
  LOG_LEVEL: {
    default: 'info' as const,
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    meaning: 'Least severe level that is logged.',
  },
  ACCESS_LOG: {
    default: 'off',
    parse: accessLog,
    meaning: 'Access log of the proxy, as JSON lines: `off`, `stdout` or an absolute path.',
  },
  AIP_HTTP_PORT: {
    default: 0,
    shown: 'unset',
    parse: integer([1, 65_535]),
    meaning: 'Vertex AI: the public port, unless `PORT` is set.',
  },
  AIP_HEALTH_ROUTE: {
    default: '',
    shown: 'unset',
    parse: healthRoute,
    meaning: 'Vertex AI: one more path of the health check.',
  },
  AIP_PREDICT_ROUTE: {
    default: '',
    shown: 'unset',
    parse: predictRoute,
    meaning: 'Vertex AI: path that takes `{"instances": […]}` for the default model.',
  },
} satisfies Record<string, Setting<string | number>>;

type Accepted<T> = Exclude<T, Refusal>;

/** The settings in force, one property for each entry of `SETTINGS`. */
export type Config = {
  readonly [Name in keyof typeof SETTINGS]: Accepted<ReturnType<(typeof SETTINGS)[Name]['parse']>>;
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
  const values = Object.entries<Setting<string | number>>(SETTINGS).map(([name, setting]) => {
    const text = env[name];
    if (text === undefined || text === '') {
      return [
        name,
        typeof setting.default === 'function' ? setting.default({ env }) : setting.default,
      ] as const;
    }
    const value = setting.parse(text);
    if (value instanceof Refusal) faults.push(`${name} must be ${value.expected}`);
    return [name, value] as const;
  });
  const config = Object.fromEntries(values) as Config;
  if (config.PORT === config.METRICS_PORT) faults.push('METRICS_PORT must differ from PORT');
  if (config.AIP_HEALTH_ROUTE !== '' && config.AIP_HEALTH_ROUTE === config.AIP_PREDICT_ROUTE) {
    faults.push('AIP_PREDICT_ROUTE must differ from AIP_HEALTH_ROUTE');
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config);
}
