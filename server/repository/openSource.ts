import type { Logger } from 'pino';
import type { Config } from '../settings/settings.ts';
import { fromHome } from '../platform/install.ts';
import { listFolder } from './folder.ts';
import type { Source } from './source.ts';

type SourceConfig = Pick<
  Config,
  'MODEL_REPOSITORY' | 'MODEL_CACHE' | 'MODEL_CONTROL' | 'AWS_BUCKET_NAME' | 'EXPERIMENT_ID' | 'DEFAULT_MODEL'
>;

/** The source that settings name. S3's client is loaded only if needed. */
async function openSource(config: SourceConfig, log: Logger): Promise<Source> {
  const { MODEL_REPOSITORY, MODEL_CACHE, AWS_BUCKET_NAME, EXPERIMENT_ID, DEFAULT_MODEL } = config;
  const cache = fromHome(MODEL_CACHE);
  const onlyModel = DEFAULT_MODEL ?? 'model';
  const mayBeEmpty = config.MODEL_CONTROL === 'explicit';
  if (AWS_BUCKET_NAME !== undefined && EXPERIMENT_ID !== undefined) {
    const { createS3Source } = await import('./s3/source.ts');
    return createS3Source({
      place: { bucket: AWS_BUCKET_NAME, experiment: EXPERIMENT_ID, name: onlyModel },
      cache,
      mayBeEmpty,
      log,
    });
  }
  if ('bucket' in MODEL_REPOSITORY) {
    const { createS3Source } = await import('./s3/source.ts');
    return createS3Source({ place: MODEL_REPOSITORY, cache, mayBeEmpty, log });
  }
  const folder = fromHome(MODEL_REPOSITORY.folder);
  return { list: () => listFolder(folder, onlyModel, mayBeEmpty), fetch: () => Promise.resolve() };
}

/** The source that settings name, opened at its first use: a start that fails earlier sends no request. */
export function lazySource(config: SourceConfig, log: Logger): Source {
  let opened: Promise<Source> | undefined;
  const open = (): Promise<Source> => (opened ??= openSource(config, log));
  return {
    list: async () => (await open()).list(),
    fetch: async (candidate) => (await open()).fetch(candidate),
  };
}
