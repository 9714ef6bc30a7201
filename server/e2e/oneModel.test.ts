import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { tinyFiles } from '../testing/tinyRepository.ts';

// The content of /mnt/models after KServe's storage initializer, for a storageUri that ends with a version, a model or a
// repository.
it.each([
  ['', '1'],
  ['3', '3'],
  ['income/3', '3'],
])('serves a model with its files in /mnt/models/%s under the given name', async (place, version) => {
  await withTemporaryFolder(async (folder) => {
    mkdirSync(join(folder, place), { recursive: true });
    for (const [name, content] of Object.entries(tinyFiles(3)))
      writeFileSync(join(folder, place, name), content);
    const env = { MODEL_REPOSITORY: folder, DEFAULT_MODEL: 'income', WEB_CONCURRENCY: '1' };
    await withServer({ args: ['--no-install', '--no-proxy'], env }, async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/v2/models/income/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [2, 1], data: [0, 1] }] }),
      });
      expect(await response.json()).toMatchObject({
        model_name: 'income',
        model_version: version,
        outputs: [{ data: [3, 3.5] }],
      });
    });
  });
});
