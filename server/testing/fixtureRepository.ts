import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHome } from '../platform/install.ts';

/** A small pipeline of server/compiler/fixtures, with the training library's own answers. */
export interface Fixture {
  readonly signature: { readonly inputs: readonly { readonly name: string }[] };
  readonly data: readonly (readonly unknown[])[];
  readonly predictions: readonly (string | number)[];
  readonly probabilities?: readonly (readonly number[])[];
}

const pathOf = (file: string): string => fromHome(`server/compiler/fixtures/${file}`);

export const readFixture = (name: string): Fixture =>
  JSON.parse(readFileSync(pathOf(`${name}.json`), 'utf8')) as Fixture;

/** Makes a model repository in a folder: the Adult model, pinned as it is shipped, and the fixtures by their names. */
export function makeFixtureRepository(folder: string, names: readonly string[]): string {
  const repository = join(folder, 'models');
  mkdirSync(repository);
  // A copy: the server refuses a link that leads out of a repository.
  cpSync(fromHome('models/adult'), join(repository, 'adult'), { recursive: true });
  cpSync(fromHome('models/repository.json'), join(repository, 'repository.json'));
  for (const name of names) {
    const version = join(repository, name, '1');
    mkdirSync(version, { recursive: true });
    cpSync(pathOf(`${name}.onnx`), join(version, 'model.onnx'));
    writeFileSync(join(version, 'model.json'), JSON.stringify(readFixture(name).signature));
  }
  return repository;
}
