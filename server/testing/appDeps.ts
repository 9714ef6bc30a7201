import { tmpdir } from 'node:os';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { AppDeps } from '../http/app.ts';
import { createHttpRecorder } from '../metrics/http.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import { UNKNOWN_LOAD } from '../metrics/load.ts';
import { createCatalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { builtAssets } from './builtAssets.ts';
import { createFakeInference } from './fakeInference.ts';

export const MAX_BODY_BYTES = 256 * 1024;
export const MAX_FILE_BYTES = 1024 * 1024;

export const APP_CONFIG: AppDeps['config'] = {
  CORS_ORIGINS: undefined,
  DEADLINE_MS: 1000,
  MAX_BODY_BYTES,
  MAX_FILE_BYTES,
  PLAYGROUND: 'on',
  PORT: 5000,
};

/** Adds the routes of explanations, which are never answered. */
export const NO_EXPLANATIONS: AppDeps['explanations'] = {
  mostRows: () => 1,
  explain: () => Promise.reject(new Error('explained by a fake')),
  describe: () => ({ reason: 'it is a fake' }),
  backgroundOf: () => Promise.resolve(undefined),
};

/** All that an app needs, for tests: the first model is the default one, and a fake inference answers. */
export function appDeps(
  models: readonly [Model, ...Model[]],
  {
    registry = new Registry(),
    recorder,
    ...changes
  }: Partial<AppDeps> & { readonly registry?: Registry } = {},
): AppDeps {
  return {
    config: APP_CONFIG,
    runtime: tmpdir(),
    catalogue: createCatalogue(models, models[0]),
    inference: createFakeInference(),
    lifecycle: { serving: true, draining: false },
    http: createHttpRecorder(registry),
    // A registry takes each metric once.
    recorder: recorder ?? createInferenceRecorder(registry, () => 0),
    load: () => UNKNOWN_LOAD,
    assets: builtAssets(),
    log: pino({ level: 'silent' }),
    ...changes,
  };
}
