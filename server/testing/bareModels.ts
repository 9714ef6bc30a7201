import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHome } from '../platform/install.ts';

/** Rows and a library's own answers to them: see scripts/testing/exportBare.py. */
export interface BareAnswers {
  readonly data: readonly (readonly (number | string)[])[];
  readonly predictions: readonly unknown[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly score?: readonly number[];
  readonly distances?: readonly (readonly number[])[];
}

export const bareOnnx = (name: string): Buffer => readFileSync(fromHome(`server/testing/bare/${name}.onnx`));

export const bareAnswers = (name: string): BareAnswers =>
  JSON.parse(readFileSync(fromHome(`server/testing/bare/${name}.json`), 'utf8')) as BareAnswers;

/** Puts such models into a repository, each without a signature. The first is the default. */
export function putBareModels(repository: string, names: readonly string[]): void {
  for (const name of names) {
    const version = join(repository, name, '1');
    mkdirSync(version, { recursive: true });
    writeFileSync(join(version, 'model.onnx'), bareOnnx(name));
  }
  writeFileSync(join(repository, 'repository.json'), JSON.stringify({ default: names[0] }));
}

const isNear = (got: unknown, wanted: unknown): boolean => {
  if (typeof got !== 'number' || typeof wanted !== 'number') return got === wanted;
  return Math.abs(got - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted));
};

/** Whether an answer is the wanted one, numbers up to float32 sums in another order. */
export function isClose(got: unknown, wanted: unknown): boolean {
  if (!Array.isArray(got) || !Array.isArray(wanted)) return isNear(got, wanted);
  return got.length === wanted.length && got.every((item, at) => isClose(item, wanted[at]));
}
