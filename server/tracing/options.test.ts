import { describe, expect, it } from 'vitest';
import { parseConfig } from '../settings/settings.ts';
import { tracingOptions } from './options.ts';

const settings = (env: Record<string, string>): ReturnType<typeof tracingOptions> =>
  tracingOptions(parseConfig(env), '1.2.3', 7);

describe('the options of tracing', () => {
  it('are undefined without an endpoint, whatever else is set', () => {
    expect(settings({})).toBeUndefined();
    expect(settings({ OTEL_SERVICE_NAME: 'a', OTEL_TRACES_SAMPLER: 'always_on' })).toBeUndefined();
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/?key=1' }, 'https://c/otlp/v1/traces?key=1'],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/t', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://d' },
      'http://c/t',
    ],
  ])('%s', (env, url) => {
    expect(settings(env)?.url).toBe(url);
  });

  it('have the defaults of OpenTelemetry, and the values of variables', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' };
    const plain = { 'service.name': 'servemodel', 'service.version': '1.2.3', 'process.pid': 7 };
    expect(settings(endpoint)).toMatchObject({
      headers: {},
      sampler: 'parentbased_always_on',
      ratio: 1,
      attributes: plain,
    });
    expect(
      settings({
        ...endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: ' authorization = Bearer%20a=b ,x=,',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=there,service.version=9,team=%C3%A9',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.5',
      }),
    ).toMatchObject({
      headers: { authorization: 'Bearer a=b', x: '' },
      sampler: 'traceidratio',
      ratio: 0.5,
      attributes: { ...plain, 'service.name': 'there', 'service.version': '9', team: 'é' },
    });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=hunter2%0d%0ab: c'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=hunter2%'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=hunter2'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1'],
    ['ACCESS_LOG_SAMPLE', '-1'],
    ['ACCESS_LOG_SAMPLE', '1e-3'],
  ])('%s may not be %s, which is not repeated', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(new RegExp(`^${name} must be (?!.*hunter2)`));
  });
});
