import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CHECKOUT, withServer } from '../../../server/testing/startServer.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';

vi.setConfig({ testTimeout: 400_000 });

const has = (python: string): boolean =>
  spawnSync(python, ['-c', 'import torch, onnxscript'], { timeout: 100_000 }).status === 0;
/** No test makes an environment with PyTorch, which takes some GB: it is named, or the system's. */
const python = [process.env['TORCH_PYTHON'] ?? '', 'python3'].find((one) => one !== '' && has(one));
const missing =
  python === undefined ? ' (skipped, needs PyTorch: TORCH_PYTHON names a Python that has it)' : '';

interface Saved {
  readonly rows: readonly (readonly number[])[];
  readonly answers: readonly (readonly number[])[];
}

interface Answer {
  readonly predictions: readonly (string | number)[];
  readonly probabilities?: readonly (readonly number[])[];
}

const softmax = (scores: readonly number[]): number[] => {
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

describe.skipIf(python === undefined)(`programs of PyTorch${missing}`, () => {
  it('one command, then the same answers over HTTP', async () => {
    await withTemporaryFolder(async (folder) => {
      const run = (program: string, args: readonly string[]): string => {
        const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
        expect(status, stderr).toBe(0);
        return stdout;
      };
      run(python as string, ['-W', 'ignore', join(CHECKOUT, 'scripts/testing/savePrograms.py'), folder]);
      const repository = join(folder, 'models');
      const imported = (name: string, ...args: string[]): string =>
        run(join(CHECKOUT, 'scripts/run'), [
          ...['import', `${name}.pt2`, '--repository', repository, '--python', python as string, ...args],
        ]);
      expect(imported('value')).toMatch(/\/value\/1: regression, 5 columns, /);
      const classes = ['red', 'green', 'blue'];
      expect(imported('logits', '--classes', classes.join(','))).toMatch(
        /\/logits\/1: classification \(red, green, blue\), 5 columns, /,
      );
      await withServer(
        { env: { MODEL_REPOSITORY: repository }, args: ['--no-install', '--no-proxy'] },
        async ({ port }) => {
          for (const name of ['value', 'logits']) {
            const saved = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Saved;
            expect(saved.rows.length).toBeGreaterThanOrEqual(200);
            const { inputs } = JSON.parse(readFileSync(join(repository, name, '1/model.json'), 'utf8')) as {
              inputs: readonly { name: string }[];
            };
            const body = { columns: inputs.map((input) => input.name), data: saved.rows };
            const response = await fetch(
              `http://127.0.0.1:${port}/models/${name}/predict?probabilities=${name === 'logits'}`,
              { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
            );
            const answer = (await response.json()) as Answer;
            expect(response.status, JSON.stringify(answer).slice(0, 300)).toBe(200);
            if (name === 'value') {
              const wanted = saved.answers.map(([value = 0]) => value);
              expect(answer.predictions.map(Number).every((value, at) => near(value, wanted[at]))).toBe(true);
              continue;
            }
            const wanted = saved.answers.map(softmax);
            expect(answer.predictions).toEqual(wanted.map((row) => classes[row.indexOf(Math.max(...row))]));
            expect(answer.probabilities?.flat().every((value, at) => near(value, wanted.flat()[at]))).toBe(
              true,
            );
          }
        },
      );
    });
  });
});

function near(value: number, wanted = NaN): boolean {
  return Math.abs(value - wanted) < 1e-5 * Math.max(1, Math.abs(wanted));
}
