import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { askAll, post } from '../testing/askAll.ts';
import { bareAnswers, isClose, putBareModels } from '../testing/bareModels.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Files without a signature that a repository may hold. */
const CLASSIFIERS = [
  ...['zipmap-text', 'zipmap-int64', 'zipmap-forest', 'zipmap-frame'],
  ...['catboost-text', 'catboost-int64'],
];
const VALUES = ['doubles', 'halves', 'int32', 'int64', 'texts'];

describe.skipIf(nginxMissing)(needsNginx('ONNX files without a signature'), () => {
  it('are answered as their libraries answer, in every dialect', async () => {
    await withTemporaryFolder(async (folder) => {
      const repository = join(folder, 'models');
      mkdirSync(repository);
      putBareModels(repository, [...CLASSIFIERS, ...VALUES]);
      await withServer({ env: { MODEL_REPOSITORY: repository } }, async (server) => {
        for (const name of CLASSIFIERS) {
          const wanted = bareAnswers(name);
          const { native, v1, v2, file } = await askAll(server, name, wanted, '?probabilities=true');
          expect([name, native['predictions']]).toEqual([name, wanted.predictions]);
          expect(isClose(native['probabilities'], wanted.probabilities), name).toBe(true);
          expect(v1.predictions).toEqual(wanted.predictions);
          expect(v2[0]?.data).toEqual(wanted.predictions);
          expect(isClose(v2[1]?.data, wanted.probabilities?.flat()), name).toBe(true);
          const lines = file.text.trim().split('\n').slice(1);
          const at = wanted.data[0]?.length ?? 0;
          expect(lines.map((line) => line.split(',')[at])).toEqual(wanted.predictions.map(String));
        }
        for (const name of VALUES) {
          const wanted = bareAnswers(name);
          const { native, v1, v2, file } = await askAll(server, name, wanted);
          // To the last digit: what the tensor holds is what is answered.
          expect([name, native['predictions']]).toEqual([name, wanted.predictions]);
          expect([v1.predictions, v2[0]?.data]).toEqual([wanted.predictions, wanted.predictions]);
          const lines = file.text.trim().split('\n').slice(1);
          expect(lines.map((line) => Number(line.split(',').at(-1)))).toEqual(wanted.predictions);
        }
        const refuse = async (name: string, row: unknown[]): Promise<string> => {
          const { status, text } = await post(server, `/v1/models/${name}:predict`, { instances: [row] });
          return `${status} ${text}`;
        };
        expect(await refuse('int32', [2 ** 31, 0])).toMatch(/^400 .*an integer that INT32 holds/);
        expect(await refuse('int64', [2 ** 40, 0])).toMatch(/^400 /);
        expect(await refuse('halves', [65505, 0])).toMatch(/^400 .*a number within ±65504/);
      });
    });
  });
});
