import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../../server/testing/withDeadline.ts';
import { HOME } from '../../../server/project.ts';
import { createGateway, gatewayMissing } from '../../../server/testing/s3Gateway.ts';
import type { Fault, Prepared } from '../fault.ts';

export const s3Gone: Fault = {
  name: 's3-gone',
  what: 'the bucket that the models came from is gone; then a process is killed',
  prepare: async (folder): Promise<Prepared> => {
    if (gatewayMissing !== undefined) return { missing: gatewayMissing };
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
    return {
      options: {
        env: { ...gateway.env, MODEL_REPOSITORY: 's3://models', MODEL_CACHE: join(folder, 'cache') },
      },
      strike: () => gateway.stop(),
      end: () => gateway.stop(),
    };
  },
  strike: async ({ server, load, chance, prepared, recovered }) => {
    await prepared.strike?.();
    const told = (): boolean => server.said().includes('the repository cannot be read');
    await eventually('the server to miss its bucket', told, 30_000);
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
  },
};
