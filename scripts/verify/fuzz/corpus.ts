import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromHome } from '../../../server/platform/install.ts';

const fileOf = (name: string): string => fromHome(`scripts/verify/fuzz/corpus/${name}.json`);

/** Inputs that broke a decoder before: checked first in each run, and seeds of others. */
export function readCorpus(name: string): Buffer[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => Buffer.from(text, 'base64'));
}

/** Adds an input to the corpus file. */
export function addToCorpus(name: string, input: Buffer): void {
  const all = new Set([
    ...readCorpus(name).map((known) => known.toString('base64')),
    input.toString('base64'),
  ]);
  mkdirSync(fromHome('scripts/verify/fuzz/corpus'), { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify([...all], undefined, 2)}\n`);
}
