import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readModelVersion } from './readModelVersion.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { readRepository } from '../testing/readRepository.ts';

it('a version without a digest in model.json has that of its file', async () => {
  await withTemporaryFolder(async (repository) => {
    putVersion(repository, 'tiny/1', tinyFiles(1));
    const [model] = await readRepository(repository);
    const onnx = readFileSync(join(repository, 'tiny/1/model.onnx'));
    expect(model?.signature.sha256).toBe(createHash('sha256').update(onnx).digest('hex'));
  });
});

it('a version without model.json has the signature and the digest of its file, which is read once', async () => {
  await withTemporaryFolder(async (repository) => {
    const folder = join(repository, 'tiny/1');
    putVersion(repository, 'tiny/1', { 'model.onnx': tinyFiles(1)['model.onnx'] as Buffer });
    const candidate = { name: 'tiny', version: 1, id: 'tiny/1', fingerprint: 'a', folder, root: folder };
    const { model, readOnnx } = await readModelVersion(candidate);
    const onnx = readFileSync(join(folder, 'model.onnx'));
    const file = await readOnnx();
    expect(model.signature.sha256).toBe(createHash('sha256').update(onnx).digest('hex'));
    expect([file?.sha256, Buffer.from(file?.bytes ?? [])]).toEqual([model.signature.sha256, onnx]);
    rmSync(join(folder, 'model.onnx'));
    expect(await readOnnx()).toBe(file);
  });
});
