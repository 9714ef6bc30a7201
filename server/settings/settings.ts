import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { availableCpus } from '../platform/cpus.ts';
import { isHealthPath, isPredictPath } from './vertexPaths.ts';
import { parsePins } from './pins.ts';
import { parseS3 } from './s3Url.ts';
import { parseTarget } from './logTarget.ts';
import { parsePairs } from './pairs.ts';

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

/** A range, and 0 for off. */
const integerOrOff = ([min, max]: Range): ((text: string) => number | Refusal) => {
  const parse = integer([min, max]);
  return (text) => {
    const value = text === '0' ? 0 : parse(text);
    return value instanceof Refusal ? new Refusal(`0 or ${value.expected}`) : value;
  };
};

const host = (text: string): string | Refusal =>
  /^[A-Za-z0-9.:-]+$/.test(text) ? text : new Refusal('a host name or an IP address');

const repository = (text: string): string | Refusal =>
  text.startsWith('s3://') && !parseS3(text) ? new Refusal('a folder or s3://bucket/prefix') : text;

const predictionLog = (text: string): string | Refusal =>
  parseTarget(text) ? text : new Refusal('redis://host:6379, rediss://host:6379 or file:/path/folder');

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

const tlsFile = (text: string): string | Refusal =>
  /^\/[^\s;{}'"$\\]+$/.test(text) ? text : new Refusal('an absolute path without spaces');

/** A share of something, from 0 to 1. */
const share = (text: string): number | Refusal =>
  /^(?:0|1|[01]?\.\d{1,9}|1\.0+)$/.test(text) && Number(text) <= 1
    ? Number(text)
    : new Refusal('a number from 0 to 1');

const httpUrl = (text: string): string | Refusal =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? text
    : new Refusal('a URL such as http://collector:4318');

const pairs = (text: string): string | Refusal =>
  parsePairs(text) ? text : new Refusal('a list such as name=value,other=value, percent-encoded');

/** Addresses, or networks such as 10.0.0.0/8. */
const networks = (text: string): string | Refusal => {
  const list = text.split(',').map((network) => network.trim());
  const isNetwork = (network: string): boolean => {
    const [address = '', bits, ...more] = network.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    return (
      family !== 0 &&
      more.length === 0 &&
      (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
    );
  };
  return list.every(isNetwork)
    ? list.join(',')
    : new Refusal('addresses or networks like 10.0.0.0/8, with commas between them');
};

/** `*`, or origins exactly as browsers write them: lower case, no path, no default port. */
const origins = (text: string): string | Refusal => {
  const list = text.split(',').map((origin) => origin.trim());
  const isOrigin = (origin: string): boolean => URL.canParse(origin) && new URL(origin).origin === origin;
  return text.trim() === '*' || list.every(isOrigin)
    ? list.join(',')
    : new Refusal('* or origins like https://example.org, with commas between them');
};

/**
 * Every setting: its default, its meaning and what it accepts. docs/settings.md is held to this table by a
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
    parse: repository,
    meaning:
      'Folder that holds `<name>/<version>/model.onnx`, or one model alone, or `s3://bucket/prefix`; a relative path starts at the project folder.',
  },
  MODEL_CACHE: {
    default: ({ env }) =>
      `${env['XDG_CACHE_HOME'] || (env['HOME'] ? `${env['HOME']}/.cache` : tmpdir())}/servemodel/models`,
    shown: '`~/.cache/servemodel/models`',
    parse: (text) => text,
    meaning: 'Folder that caches models from S3; each running server needs its own.',
  },
  AWS_BUCKET_NAME: {
    default: '',
    shown: 'none',
    parse: (text) => (parseS3(`s3://${text}`)?.prefix === '' ? text : new Refusal('the name of a bucket')),
    meaning: 'Bucket of MLflow runs to serve, with `EXPERIMENT_ID`, instead of `MODEL_REPOSITORY`.',
  },
  EXPERIMENT_ID: {
    default: '',
    shown: 'none',
    parse: (text) =>
      /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(text) ? text : new Refusal('a path within the bucket'),
    meaning:
      'Experiment whose newest run with a `model.onnx` is served; its model is called `DEFAULT_MODEL`, or `model`.',
  },
  DEFAULT_MODEL: {
    default: '',
    shown: 'first by name',
    parse: (text) => text,
    meaning: 'Model that answers `/predict`.',
  },
  MODEL_VERSIONS: {
    default: '',
    shown: '`repository.json`, else the latest',
    parse: (text) => (parsePins(text) ? text : new Refusal('a list such as adult=1,*=latest')),
    meaning: 'Version of each model that is served where none is named: `adult=1,*=latest`.',
  },
  OPEN_VERSIONS: {
    default: 2,
    parse: integer([1, 100]),
    meaning:
      'Newest versions of each model that answer `/models/{m}/versions/{v}/predict`, beside those served or shadowing. Each takes memory.',
  },
  MODEL_POLL_MS: {
    default: 2000,
    parse: integer([0, 86_400_000]),
    meaning: 'How often the repository is checked for new versions; 0: only on `SIGHUP` and `POST /reload`.',
  },
  SHADOW: {
    default: '',
    shown: 'none',
    parse: (text) =>
      text.split(',').every((id) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[1-9]\d{0,8}$/.test(id.trim()))
        ? text
        : new Refusal('a list of versions such as adult/2'),
    meaning:
      'Candidate versions that also score the rows of the served version, outside of the request: `adult/2`. See docs/shadow.md.',
  },
  DRIFT_WINDOW_MS: {
    default: 600_000,
    shown: '600000 (10 min)',
    parse: integerOrOff([1000, 604_800_000]),
    meaning:
      'Window over which rows are compared with the training data: `GET /models/{m}/drift`, and gauges. 0 turns it off.',
  },
  ADMIN_PORT: {
    default: 0,
    shown: '0 (off)',
    parse: integer([0, 65_535]),
    meaning: 'Port of `POST /reload` and `GET /models`, on 127.0.0.1 only.',
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
    meaning: 'Largest upload to `/predict_file`; it is kept in `TMPDIR` meanwhile.',
  },
  MAX_QUEUED_ROWS: {
    default: 100_000,
    parse: integer([1, 100_000_000]),
    meaning:
      'Rows that may wait in one process; above it requests are answered 503. An empty queue accepts any request.',
  },
  API_KEYS: {
    default: '',
    shown: 'none: open',
    parse: (text) => text,
    meaning:
      'Keys of clients: `CLIENT:DIGEST` entries separated by commas; DIGEST is the SHA-256 of the key. See docs/access.md.',
  },
  API_KEYS_FILE: {
    default: '',
    shown: 'none',
    parse: (text) => (text.startsWith('/') ? text : new Refusal('an absolute path')),
    meaning: 'File with more of these entries, one a line; read again at `SIGHUP` and `POST /reload`.',
  },
  METRICS_ACCESS: {
    default: 'open' as const,
    parse: oneOf('open', 'keys'),
    meaning: '`keys`: the metrics port requires one of these keys, too.',
  },
  TLS_CERT: {
    default: '',
    shown: 'none: plain HTTP',
    parse: tlsFile,
    meaning: 'Certificate chain (PEM) of the public port, with `TLS_KEY`; read again at `SIGHUP`.',
  },
  TLS_KEY: { default: '', shown: 'none', parse: tlsFile, meaning: "The certificate's private key (PEM)." },
  RATE_LIMIT: {
    default: 0,
    shown: '0 (off)',
    parse: integer([0, 1_000_000]),
    meaning:
      'Requests a second that nginx takes from one client address, and as many more at once; others are answered 429. Never of health.',
  },
  TRUSTED_PROXIES: {
    default: '',
    shown: 'none',
    parse: networks,
    meaning:
      'Proxies in front of this server, as addresses or networks separated by commas: their `X-Forwarded-For` names the client.',
  },
  CORS_ORIGINS: {
    default: '',
    shown: 'off',
    parse: origins,
    meaning: 'Origins whose web pages may call this server, separated by commas, or `*`.',
  },
  PLAYGROUND: {
    default: 'on' as const,
    parse: oneOf('on', 'off'),
    meaning: 'The page at `/`, and `GET /stats`, which reports the rate and latency of the server.',
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
  PREDICTION_LOG: {
    default: '',
    shown: 'off',
    parse: predictionLog,
    meaning:
      'Where every answered row is logged: `redis://host:6379/0`, `rediss://…` or `file:/path/folder`. See docs/prediction-log.md.',
  },
  PREDICTION_LOG_INPUT: {
    default: 'full' as const,
    parse: oneOf('full', 'hash', 'none'),
    meaning:
      'What the log has of a row: its cells and their SHA-256 (`full`), the SHA-256 alone, or neither.',
  },
  PREDICTION_LOG_MAX_RECORDS: {
    default: 100_000,
    parse: integer([1, 1_000_000_000]),
    meaning: "Records that a model's stream in Redis keeps; it may have some hundred more.",
  },
  PREDICTION_LOG_FILE_BYTES: {
    default: 64 * 1024 * 1024,
    shown: '67108864 (64 MiB)',
    parse: integer([1024, 1024 ** 4]),
    meaning: 'Size at which a process starts its next file of the log.',
  },
  PREDICTION_LOG_MAX_FILES: {
    default: 32,
    parse: integer([1, 100_000]),
    meaning: 'Files of the log that stay in the folder, beside those that are being written.',
  },
  ACCESS_LOG_SAMPLE: {
    default: 1,
    parse: share,
    meaning:
      'Share of the requests in the access log, such as 0.01. Those answered 400 or above are always logged.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: '',
    shown: 'off',
    parse: httpUrl,
    meaning: 'OpenTelemetry collector that traces are sent to, by OTLP over HTTP; `/v1/traces` is added.',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    default: '',
    shown: 'off',
    parse: httpUrl,
    meaning: 'The same as a complete URL; it takes precedence.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    default: '',
    shown: 'none',
    parse: pairs,
    meaning: 'Headers that the collector requires, such as `authorization=Bearer%20…`. Never logged.',
  },
  OTEL_SERVICE_NAME: {
    default: '',
    shown: '`servemodel`',
    parse: (text) => text,
    meaning: 'Name of this service in the traces.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    default: '',
    shown: 'none',
    parse: pairs,
    meaning: 'Attributes of this service in the traces: `deployment.environment.name=production`.',
  },
  OTEL_TRACES_SAMPLER: {
    default: 'parentbased_always_on' as const,
    parse: oneOf(
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
      'always_on',
      'always_off',
      'traceidratio',
    ),
    meaning:
      'Which requests are traced: with `parentbased_…` as the caller decided, else by the rest of the name.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    default: 1,
    parse: share,
    meaning: 'Share of the requests that a `traceidratio` sampler traces.',
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
  if ((config.AWS_BUCKET_NAME === '') !== (config.EXPERIMENT_ID === ''))
    faults.push('AWS_BUCKET_NAME and EXPERIMENT_ID must be set together');
  if (config.ADMIN_PORT !== 0 && [config.PORT, config.METRICS_PORT].includes(config.ADMIN_PORT))
    faults.push('ADMIN_PORT must differ from PORT and METRICS_PORT');
  if ((config.TLS_CERT === '') !== (config.TLS_KEY === ''))
    faults.push('TLS_CERT and TLS_KEY must be set together');
  if (config.METRICS_ACCESS === 'keys' && config.API_KEYS === '' && config.API_KEYS_FILE === '')
    faults.push('METRICS_ACCESS=keys needs API_KEYS or API_KEYS_FILE');
  if (config.PORT === config.METRICS_PORT) faults.push('METRICS_PORT must differ from PORT');
  if (config.AIP_HEALTH_ROUTE !== '' && config.AIP_HEALTH_ROUTE === config.AIP_PREDICT_ROUTE) {
    faults.push('AIP_PREDICT_ROUTE must differ from AIP_HEALTH_ROUTE');
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config);
}
