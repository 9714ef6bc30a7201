import { readFile } from 'node:fs/promises';
import type { Model } from '../model/model.ts';
import { defaultModel, readRepository } from './readRepository.ts';
import type { Golden } from '../model/signature.ts';
import { fromHome } from '../platform/install.ts';

/** The columns of the Adult model, in the order of its signature. */
export const ADULT_COLUMNS: readonly string[] = [
  'age',
  'workclass',
  'fnlwgt',
  'education',
  'education-num',
  'marital-status',
  'occupation',
  'relationship',
  'race',
  'sex',
  'capital-gain',
  'capital-loss',
  'hours-per-week',
  'native-country',
];

/** The row of the README. */
export const ADULT_ROW: readonly unknown[] = [
  25,
  ' Private',
  32275,
  ' Some-college',
  10,
  ' Married-civ-spouse',
  ' Exec-managerial',
  ' Wife',
  ' Other',
  ' Female',
  0,
  0,
  40,
  ' United-States',
];

/** What the model answers to it. */
export const ADULT_LABEL = ' <=50K';

/** The example row with other cells in some columns. */
export function adultRow(changes: Readonly<Record<string, unknown>> = {}): unknown[] {
  return ADULT_COLUMNS.map((name, index) =>
    Object.hasOwn(changes, name) ? changes[name] : ADULT_ROW[index],
  );
}

/** A body for POST /predict. */
export const adultBody = (...data: unknown[]): { columns: readonly string[]; data: unknown[] } => ({
  columns: ADULT_COLUMNS,
  data,
});

/** The committed Adult model, as a server process reads it. */
export async function loadAdult(): Promise<Model> {
  return defaultModel(await readRepository(fromHome('models')), 'adult');
}

/** The committed golden rows, as they stand in the file. */
export async function loadAdultGolden(): Promise<Golden & { readonly probabilities: number[][] }> {
  return JSON.parse(await readFile(fromHome('models/adult/1/golden.json'), 'utf8')) as Golden & {
    readonly probabilities: number[][];
  };
}
