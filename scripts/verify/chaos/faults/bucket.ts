import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOME } from '../../../../server/platform/install.ts';
import type { Gateway } from '../../../../server/testing/s3Gateway.ts';
import { createGateway } from '../../../../server/testing/s3Gateway.ts';

/** An S3 server that holds the default model, and what a server needs in its environment to serve it from there. */
export async function startBucket(
  folder: string,
  cache: string,
): Promise<{ readonly gateway: Gateway; readonly env: Readonly<Record<string, string>> }> {
  const gateway = await createGateway(folder);
  await gateway.start();
  const version = join(HOME, 'models/adult/1');
  mkdirSync(join(gateway.folder, 'models'));
  await gateway.put(
    'models',
    'adult/1',
    Object.fromEntries(
      ['model.onnx', 'model.json', 'golden.json'].map((name) => [name, readFileSync(join(version, name))]),
    ),
  );
  return { gateway, env: { ...gateway.env, MODEL_REPOSITORY: 's3://models', MODEL_CACHE: cache } };
}
