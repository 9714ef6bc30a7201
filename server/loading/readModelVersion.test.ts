import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readModelVersion } from './readModelVersion.ts';
import { fromHome } from '../platform/install.ts';
import type { Golden, Signature } from '../model/signature.ts';
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

it('a golden row with an integer that its float32 tensor does not hold is left out, and others stay', async () => {
  await withTemporaryFolder(async (repository) => {
    const read = (name: string): Buffer => readFileSync(fromHome(`models/adult/1/${name}`));
    const golden = JSON.parse(read('golden.json').toString()) as Golden;
    const fnlwgt = golden.columns.indexOf('fnlwgt');
    const data = golden.data.map((row, at) => (at === 3 ? row.with(fnlwgt, 2 ** 53 - 1) : row));
    putVersion(repository, 'adult/1', {
      'model.onnx': read('model.onnx'),
      'model.json': read('model.json'),
      'golden.json': JSON.stringify({ ...golden, data }),
    });
    const [model] = await readRepository(repository);
    expect(model?.golden?.rows).toBe(golden.data.length - 1);
    expect(model?.golden?.table.predictions).toEqual(golden.predictions.toSpliced(3, 1));
    expect(model?.golden?.table.probabilities).toEqual(golden.probabilities?.toSpliced(3, 1));
  });
});

it.each([
  [{ nullable: true }, /\/inputs\/\d+ must have required property 'missing'/],
  [{ nullable: false, missing: 'none' }, /\/inputs\/\d+ must NOT be valid/],
  [{ nullable: true, missing: 'a\0' }, /\/inputs\/\d+\/missing must match pattern/],
  [{ closed: true, categories: undefined }, /\/inputs\/\d+ must have required property 'categories'/],
  [{ nullable: true, missing: ' Private' }, /\/inputs\/\d+\/missing is one of the categories/],
])('a string column with %o is refused', async (members, message) => {
  await withTemporaryFolder(async (repository) => {
    const read = (name: string): Buffer => readFileSync(fromHome(`models/adult/1/${name}`));
    const signature = JSON.parse(read('model.json').toString()) as Signature;
    const inputs = signature.inputs.map((input) =>
      input.name === 'workclass' ? { ...input, ...members } : input,
    );
    putVersion(repository, 'adult/1', {
      'model.onnx': read('model.onnx'),
      'model.json': JSON.stringify({ ...signature, inputs }),
    });
    await expect(readRepository(repository)).rejects.toThrow(message);
  });
});
