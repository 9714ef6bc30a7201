import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromHome } from '../../../server/platform/install.ts';

const fileOf = (name: string): string => fromHome(`scripts/verify/fuzz/corpus/${name}.json`);

/** Inputs that a decoder took badly once, in base64: run first each time, and grown from. */
export function readCorpus(name: string): Buffer[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => Buffer.from(text, 'base64'));
}

/** Keeps an input for good. */
export function addToCorpus(name: string, input: Buffer): void {
  const all = new Set([
    ...readCorpus(name).map((known) => known.toString('base64')),
    input.toString('base64'),
  ]);
  mkdirSync(fromHome('scripts/verify/fuzz/corpus'), { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify([...all], undefined, 2)}\n`);
}
