import type { Logger } from 'pino';
import type { Config } from '../settings/settings.ts';
import { fromHome } from '../platform/install.ts';
import { listFolder } from './folder.ts';
import type { Source } from './source.ts';

type SourceConfig = Pick<
  Config,
  'MODEL_REPOSITORY' | 'MODEL_CACHE' | 'AWS_BUCKET_NAME' | 'EXPERIMENT_ID' | 'DEFAULT_MODEL'
>;

/** The source that settings name. S3's client is only loaded where it is needed. */
export async function createSource(config: SourceConfig, log: Logger): Promise<Source> {
  const { MODEL_REPOSITORY, MODEL_CACHE, AWS_BUCKET_NAME, EXPERIMENT_ID, DEFAULT_MODEL } = config;
  const cache = fromHome(MODEL_CACHE);
  const onlyModel = DEFAULT_MODEL ?? 'model';
  if (AWS_BUCKET_NAME !== undefined && EXPERIMENT_ID !== undefined) {
    const { createS3Source } = await import('./s3/source.ts');
    return createS3Source({
      place: { bucket: AWS_BUCKET_NAME, experiment: EXPERIMENT_ID, name: onlyModel },
      cache,
      log,
    });
  }
  if ('bucket' in MODEL_REPOSITORY) {
    const { createS3Source } = await import('./s3/source.ts');
    return createS3Source({ place: MODEL_REPOSITORY, cache, log });
  }
  const folder = fromHome(MODEL_REPOSITORY.folder);
  return { list: () => listFolder(folder, onlyModel), fetch: () => Promise.resolve() };
}
