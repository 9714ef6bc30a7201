import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { readRepository } from '../testing/readRepository.ts';

it('a version knows the digest of its file, also where model.json does not tell', async () => {
  await withTemporaryFolder(async (repository) => {
    putVersion(repository, 'tiny/1', tinyFiles(1));
    const [model] = await readRepository(repository);
    const onnx = readFileSync(join(repository, 'tiny/1/model.onnx'));
    expect(model?.signature.sha256).toBe(createHash('sha256').update(onnx).digest('hex'));
  });
});
