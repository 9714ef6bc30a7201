import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import { createGateway, gatewayMissing, needsGateway } from '../../../server/testing/s3Gateway.ts';
import { withServer } from '../../../server/testing/startServer.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';

const BUCKET = 'experiments';

/** The files below a folder, by the folder that each is in. */
function filesBelow(folder: string): [prefix: string, name: string, content: Uint8Array][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [
      relative(folder, entry.parentPath),
      entry.name,
      readFileSync(join(entry.parentPath, entry.name)),
    ]);
}

describe.skipIf(gatewayMissing)(needsGateway('the cost model in a bucket of experiment artifacts'), () => {
  it(
    'is fetched at the start, and answers simulate with costs in two decimals',
    { timeout: 120_000 },
    async () => {
      await withTemporaryFolder(async (home) => {
        const gateway = await createGateway(home);
        mkdirSync(join(gateway.folder, BUCKET));
        await gateway.start();
        const runs = join(home, 'runs');
        const layOut = fromHome('scripts/models/train/mlflow_runs.py');
        execFileSync('python3', [layOut, fromHome('models/cost'), runs, '--experiment', '3']);
        for (const [prefix, name, content] of filesBelow(runs))
          await gateway.put(BUCKET, prefix, { [name]: content });
        try {
          const env = {
            ...gateway.env,
            AWS_BUCKET_NAME: BUCKET,
            EXPERIMENT_ID: '3',
            DEFAULT_MODEL: 'cost',
            MODEL_CACHE: join(home, 'cache'),
            WEB_CONCURRENCY: '1',
          };
          await withServer({ env }, ({ port }) => {
            const url = `http://127.0.0.1:${port}`;
            const printed = execFileSync(
              fromHome('scripts/run'),
              ['simulate', `${url}/predict`, '--num_requests', '5'],
              { encoding: 'utf8' },
            );
            expect(printed.match(/\{"cost": ?\d+\.\d{1,2}\}/g)).toHaveLength(5);
            return Promise.resolve();
          });
        } finally {
          await gateway.stop();
        }
      });
    },
  );
});
