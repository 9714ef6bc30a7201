import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ConfigError, SETTINGS, parseConfig } from './settings.ts';
import { availableCpus } from '../platform/cpus.ts';
import { availableMemory } from '../platform/memory.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  const defaults = {
    PORT: 5000,
    HOST: '0.0.0.0',
    METRICS_PORT: 9464,
    METRICS_HOST: '0.0.0.0',
    WEB_CONCURRENCY: Math.max(2, availableCpus()),
    INFERENCE_THREADS: 1,
    MODEL_REPOSITORY: { folder: './models' },
    MODEL_CACHE: `${tmpdir()}/servemodel/models`,
    AWS_BUCKET_NAME: undefined,
    EXPERIMENT_ID: undefined,
    MODEL_VERSIONS: new Map(),
    OPEN_VERSIONS: 2,
    MAX_MODEL_BYTES: Math.floor(availableMemory() / 16),
    MODEL_POLL_MS: 2000,
    MODEL_CONTROL: 'repository',
    SHADOW: [],
    DRIFT_WINDOW_MS: 600_000,
    ADMIN_PORT: 0,
    GRPC_PORT: 0,
    DEFAULT_MODEL: undefined,
    ENGINE: 'auto',
    DEADLINE_MS: 5000,
    MAX_BODY_BYTES: 10_485_760,
    MAX_FILE_BYTES: 268_435_456,
    MAX_QUEUED_ROWS: 100_000,
    EXPLAIN: 'on',
    MAX_EXPLAIN_ROWS: 1000,
    RATE_LIMIT: 0,
    TRUSTED_PROXIES: [],
    API_KEYS: [],
    API_KEYS_FILE: undefined,
    METRICS_ACCESS: 'open',
    TLS_CERT: undefined,
    TLS_KEY: undefined,
    CORS_ORIGINS: undefined,
    PLAYGROUND: 'on',
    LOG_LEVEL: 'info',
    ACCESS_LOG: 'off',
    PREDICTION_LOG: undefined,
    PREDICTION_LOG_INPUT: 'full',
    PREDICTION_LOG_MAX_RECORDS: 100_000,
    PREDICTION_LOG_FILE_BYTES: 67_108_864,
    PREDICTION_LOG_MAX_FILES: 32,
    ACCESS_LOG_SAMPLE: 1,
    OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: undefined,
    OTEL_EXPORTER_OTLP_HEADERS: {},
    OTEL_SERVICE_NAME: undefined,
    OTEL_RESOURCE_ATTRIBUTES: {},
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    OTEL_TRACES_SAMPLER_ARG: 1,
    AIP_HTTP_PORT: undefined,
    AIP_HEALTH_ROUTE: undefined,
    AIP_PREDICT_ROUTE: undefined,
    AIP_EXPLAIN_ROUTE: undefined,
  };

  it('gives every setting its default when the environment is empty', () => {
    expect(parseConfig({})).toEqual(defaults);
  });

  it('takes an empty variable as unset', () => {
    expect(parseConfig(Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, ''])))).toEqual(
      defaults,
    );
  });

  it('takes every setting from the environment, and nothing else', () => {
    const env = {
      PORT: '1',
      HOST: '::1',
      METRICS_PORT: '65535',
      METRICS_HOST: 'localhost',
      WEB_CONCURRENCY: '3',
      INFERENCE_THREADS: '4',
      MODEL_REPOSITORY: 's3://models/prod',
      MODEL_CACHE: '/cache',
      AWS_BUCKET_NAME: 'runs',
      EXPERIMENT_ID: 'exp/7',
      DEFAULT_MODEL: 'adult',
      MODEL_VERSIONS: 'adult=1,*=latest',
      OPEN_VERSIONS: '3',
      MAX_MODEL_BYTES: '4096',
      MODEL_POLL_MS: '0',
      MODEL_CONTROL: 'explicit',
      SHADOW: 'adult/2, adult/3',
      DRIFT_WINDOW_MS: '0',
      ADMIN_PORT: '7000',
      GRPC_PORT: '8001',
      ENGINE: 'onnxruntime',
      DEADLINE_MS: '10',
      MAX_BODY_BYTES: '1024',
      MAX_FILE_BYTES: '2048',
      MAX_QUEUED_ROWS: '1',
      EXPLAIN: 'off',
      MAX_EXPLAIN_ROWS: '7',
      RATE_LIMIT: '50',
      TRUSTED_PROXIES: '10.0.0.0/8,::1',
      API_KEYS: 'bank:x',
      API_KEYS_FILE: '/keys',
      METRICS_ACCESS: 'keys',
      TLS_CERT: '/tls/cert.pem',
      TLS_KEY: '/tls/key.pem',
      CORS_ORIGINS: 'https://a.example,http://localhost:8080',
      PLAYGROUND: 'off',
      LOG_LEVEL: 'silent',
      ACCESS_LOG: '/var/log/a.json',
      PREDICTION_LOG: 'rediss://:secret@cache.example:6380/1',
      PREDICTION_LOG_INPUT: 'hash',
      PREDICTION_LOG_MAX_RECORDS: '5',
      PREDICTION_LOG_FILE_BYTES: '4096',
      PREDICTION_LOG_MAX_FILES: '7',
      ACCESS_LOG_SAMPLE: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/traces',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a',
      OTEL_SERVICE_NAME: 'scores',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
      AIP_HTTP_PORT: '8080',
      AIP_HEALTH_ROUTE: '/vertex/health',
      AIP_PREDICT_ROUTE: '/v1/endpoints/7/deployedModels/3:predict',
    };
    const plain = Object.fromEntries(
      Object.entries(env).map(([name, text]) => [name, /^\d+$/.test(text) ? Number(text) : text]),
    );
    expect(parseConfig({ ...env, PATH: '/bin' })).toEqual({
      ...plain,
      MODEL_REPOSITORY: { bucket: 'models', prefix: 'prod/' },
      MODEL_VERSIONS: new Map<string, unknown>([
        ['adult', 1],
        ['*', 'latest'],
      ]),
      SHADOW: ['adult/2', 'adult/3'],
      TRUSTED_PROXIES: ['10.0.0.0/8', '::1'],
      API_KEYS: ['bank:x'],
      CORS_ORIGINS: ['https://a.example', 'http://localhost:8080'],
      PREDICTION_LOG: { kind: 'redis', url: 'rediss://:secret@cache.example:6380/1' },
      OTEL_EXPORTER_OTLP_ENDPOINT: new URL('http://collector:4318'),
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: new URL('https://collector/traces'),
      OTEL_EXPORTER_OTLP_HEADERS: { authorization: 'Bearer a' },
      OTEL_RESOURCE_ATTRIBUTES: { 'deployment.environment.name': 'test' },
    });
  });

  it.each([
    ['PORT', ['0', '65536', '5e3', ' 80', '-1', '80.0', 'http'], 'an integer from 1 to 65535'],
    ['METRICS_PORT', ['0', '70000'], 'an integer from 1 to 65535'],
    ['HOST', ['a b', '0.0.0.0;', 'ü'], 'a host name or an IP address'],
    ['METRICS_HOST', ['a/b'], 'a host name or an IP address'],
    ['WEB_CONCURRENCY', ['0', '257', 'auto'], 'an integer from 1 to 256'],
    ['INFERENCE_THREADS', ['0', '65'], 'an integer from 1 to 64'],
    ['DEADLINE_MS', ['9', '6001', '5s'], 'an integer from 10 to 6000'],
    ['MAX_FILE_BYTES', ['1023', '-1', '1g'], 'an integer from 1024 to 1099511627776'],
    ['MAX_BODY_BYTES', ['1023', '1073741825', '10m'], 'an integer from 1024 to 1073741824'],
    ['MAX_QUEUED_ROWS', ['0', '100000001'], 'an integer from 1 to 100000000'],
    ['RATE_LIMIT', ['-1', '1000001', '10r/s'], 'an integer from 0 to 1000000'],
    [
      'TRUSTED_PROXIES',
      ['proxy', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1,', '10.0.0.1/', '10.0.0.1/8/8'],
      'addresses or networks like 10.0.0.0/8, with commas between them',
    ],
    [
      'CORS_ORIGINS',
      [
        'on',
        'example.org',
        'https://a.example/',
        'https://A.example',
        'https://a.example:443',
        '*,https://a.example',
        'null',
      ],
      '* or origins like https://example.org, with commas between them',
    ],
    ['PLAYGROUND', ['yes', 'ON'], 'one of on, off'],
    ['EXPLAIN', ['yes', 'ON'], 'one of on, off'],
    ['MODEL_REPOSITORY', ['s3://', 's3://A', 's3:///x'], 'a folder or s3://bucket/prefix'],
    ['MODEL_VERSIONS', ['adult', 'adult=0', '*=1', 'a=1,a=2'], 'a list such as adult=1,*=latest'],
    ['OPEN_VERSIONS', ['0', '101'], 'an integer from 1 to 100'],
    ['MODEL_POLL_MS', ['-1', '2s'], 'an integer from 0 to 86400000'],
    ['SHADOW', ['adult', 'adult/0', 'a/1,'], 'a list of versions such as adult/2'],
    ['DRIFT_WINDOW_MS', ['999', '-1', '604800001', '10m'], '0 or an integer from 1000 to 604800000'],
    ['ADMIN_PORT', ['65536'], 'an integer from 0 to 65535'],
    ['GRPC_PORT', ['65536', 'on'], 'an integer from 0 to 65535'],
    ['LOG_LEVEL', ['INFO', 'verbose'], 'one of trace, debug, info, warn, error, fatal, silent'],
    [
      'ACCESS_LOG',
      ['on', 'log.json', '/a b', '/a;b', '/a$b'],
      'off, stdout or an absolute path without spaces',
    ],
    [
      'PREDICTION_LOG',
      ['on', '/var/log', 'file:', 'redis://', 'redis://h:99999', 'redis://h/db', 'http://h'],
      'redis://host:6379, rediss://host:6379 or file:/path/folder',
    ],
    ['PREDICTION_LOG_INPUT', ['all', 'FULL'], 'one of full, hash, none'],
    ['PREDICTION_LOG_MAX_RECORDS', ['0', '1e5'], 'an integer from 1 to 1000000000'],
    ['PREDICTION_LOG_FILE_BYTES', ['1023', '64m'], 'an integer from 1024 to 1099511627776'],
    ['PREDICTION_LOG_MAX_FILES', ['0'], 'an integer from 1 to 100000'],
  ])('refuses a %s that is not accepted', (name, texts, expected) => {
    for (const text of texts)
      expect(faultsOf({ [name]: text }), text).toEqual([`${name} must be ${expected}`]);
  });

  it('reports all faults at once', () => {
    const env = { PORT: 'x', DEADLINE_MS: '1', LOG_LEVEL: 'loud' };
    expect(faultsOf(env).map((fault) => fault.split(' ')[0])).toEqual(Object.keys(env));
    expect(() => parseConfig(env)).toThrow(/PORT must be .*; DEADLINE_MS must be .*; LOG_LEVEL must be /);
  });

  it('caches models from S3 in the cache folder of the user', () => {
    expect(parseConfig({ HOME: '/home/me' }).MODEL_CACHE).toBe('/home/me/.cache/servemodel/models');
    expect(parseConfig({ HOME: '/home/me', XDG_CACHE_HOME: '/c' }).MODEL_CACHE).toBe('/c/servemodel/models');
  });

  it('makes the metrics port listen on HOST by default', () => {
    expect(parseConfig({ HOST: '127.0.0.1' }).METRICS_HOST).toBe('127.0.0.1');
    expect(parseConfig({ HOST: '127.0.0.1', METRICS_HOST: '10.0.0.1' }).METRICS_HOST).toBe('10.0.0.1');
  });

  it('refuses one port for both', () => {
    expect(faultsOf({ METRICS_PORT: '5000' })).toEqual(['METRICS_PORT must differ from PORT']);
    expect(faultsOf({ PORT: '9464' })).toEqual(['METRICS_PORT must differ from PORT']);
  });

  it('refuses an admin port that is taken, and half a bucket of runs', () => {
    expect(faultsOf({ ADMIN_PORT: '5000' })).toEqual(['ADMIN_PORT must differ from PORT and METRICS_PORT']);
    expect(faultsOf({ GRPC_PORT: '9464' })).toEqual([
      'GRPC_PORT must differ from METRICS_PORT and ADMIN_PORT',
    ]);
    expect(faultsOf({ GRPC_PORT: '5000' })).toEqual(['GRPC_PORT must differ from PORT without TLS_CERT']);
    expect(parseConfig({ GRPC_PORT: '5000', TLS_CERT: '/c', TLS_KEY: '/k' }).GRPC_PORT).toBe(5000);
    expect(faultsOf({ EXPERIMENT_ID: '7' })).toEqual([
      'AWS_BUCKET_NAME and EXPERIMENT_ID must be set together',
    ]);
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(parseConfig({}))).toBe(true);
  });
});
