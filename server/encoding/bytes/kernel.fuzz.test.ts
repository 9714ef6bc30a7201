import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Plan } from './plan.ts';
import { createPlan } from './plan.ts';
import { powersOfFive } from './powersOfFive.ts';
import { FEATURES, INPUTS, writerOf } from './testing/everyColumn.ts';

const SOURCE = fileURLToPath(new URL('./testing/fuzz.c', import.meta.url));
const RUNS = 200_000;
const SEED = 9;

/** Compiles a source with sanitizers. @throws {Error} where there is no compiler, or none that has them */
function compile(compiler: string, source: string, output: string): void {
  const flags = ['-O1', '-g', '-w', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  execFileSync(compiler, [...flags, '-o', output, source], { stdio: 'pipe' });
}

/** A compiler here that has sanitizers. */
function findCompiler(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'compiler-'));
  try {
    const source = join(folder, 'empty.c');
    writeFileSync(source, 'int main(void) { return 0; }\n');
    return ['clang', 'gcc'].find((compiler) => {
      try {
        compile(compiler, source, join(folder, 'empty'));
        execFileSync(join(folder, 'empty'));
        return true;
      } catch {
        return false;
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const compiler = findCompiler();
const why = compiler === undefined ? ' (skipped: no C compiler with sanitizers here)' : '';

/** As fuzz.c reads it. */
function planFile({ bytes, tables }: Plan): Buffer {
  const head = Uint32Array.of(tables.length, ...tables);
  const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array | BigUint64Array): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  return Buffer.concat([bytesOf(head), bytesOf(powersOfFive()), bytesOf(bytes)]);
}

const NAMES = INPUTS.map(({ name }) => name);
const ROWS = [
  [1, 2, 0.5, 0.25, true, 'red', 'x', 'y'],
  [-12, null, 1e-7, 12345.678901234567, null, 'new', 'exactly 16 bytes', 'the same sixteen, then 1'],
];
const RECORDS = ROWS.map((row) => Object.fromEntries(NAMES.map((name, at) => [name, row[at]])));
const LINES = [
  '1,2,0.5,0.25,true,red,x,y\n',
  '-12, ,1e-7,"12345.678901234567",FALSE,"new",exactly 16 bytes,y\r\n',
];
/** A request of tensors, of which the first byte of the list is the eleventh. */
const tensors = (columns: readonly number[], datatypes: readonly string[]): string =>
  `{"inputs":${JSON.stringify(
    columns.map((at) => ({
      name: NAMES[at],
      shape: [ROWS.length],
      datatype: datatypes[at],
      data: ROWS.map((row) => row[at]),
    })),
  )}}`;
const ALL = NAMES.map((_, at) => at);
const DATATYPES = ['INT64', 'FP32', 'FP64', 'FP64', 'BOOL', 'BYTES', 'BYTES', 'BYTES'];
/** Eight texts of one byte, as binary data. */
const BINARY = Array.from('redfreex', (letter) => `\u0001\0\0\0${letter}`).join('');

/** CSV and tensors as they are, the others as JSON. */
const BODIES: readonly unknown[] = [
  LINES.join(''),
  tensors(ALL, DATATYPES),
  tensors(ALL.toReversed(), DATATYPES),
  `${tensors(ALL, DATATYPES).replace(/"data":\["red","new"\]/, '"parameters":{"binary_data_size":10}')}${BINARY.slice(0, 10)}`,
  LINES.join('').replaceAll(',', ';').replaceAll('.', ','),
  LINES.map((line, row) => `${row},${line}`).join(''),
  { columns: NAMES, data: ROWS },
  { columns: NAMES, index: [0, 1], data: ROWS },
  RECORDS,
  RECORDS[0],
  { instances: RECORDS },
  { instances: ROWS },
  { dataframe_split: { columns: NAMES, data: ROWS } },
];

it.skipIf(compiler === undefined)(
  `the kernel stays in its memory, with any body${why}`,
  { timeout: 300_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
    try {
      const program = join(folder, 'fuzz');
      compile(compiler as string, SOURCE, program);
      const plan = createPlan(INPUTS, INPUTS.map(writerOf), FEATURES) as Plan;
      writeFileSync(join(folder, 'plan'), planFile(plan));
      const bodies = BODIES.map((body, at) => {
        const file = join(folder, `body-${at}`);
        writeFileSync(file, typeof body === 'string' ? body : JSON.stringify(body, undefined, at % 2));
        return file;
      });
      const said = execFileSync(program, [join(folder, 'plan'), String(SEED), String(RUNS), ...bodies], {
        encoding: 'utf8',
      });
      const taken = Number(/^(\d+) of/.exec(said)?.[1]);
      expect(taken).toBeGreaterThan(RUNS / 20);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
