import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('./build.sh', import.meta.url));
const committed = readFileSync(new URL('./rowKernel.wasm', import.meta.url));
const pinned = /^pinned='(.*)'$/m.exec(readFileSync(BUILD, 'utf8'))?.[1] ?? '';

function hasPinned(tool: string): boolean {
  try {
    const said = execFileSync(tool, ['--version'], { encoding: 'utf8', stdio: 'pipe' });
    return said.split('\n', 1)[0]?.includes(` ${pinned}`) === true;
  } catch {
    return false;
  }
}

const lacking = ['clang', 'wasm-ld'].filter((tool) => !hasPinned(tool));
const why = lacking.length > 0 ? ` (skipped: no ${lacking.join(' and no ')} ${pinned} here)` : '';

describe('the kernel', () => {
  it('takes a memory and a function, gives three functions, and is small', () => {
    const module = new WebAssembly.Module(committed);
    expect(WebAssembly.Module.imports(module)).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
      { module: 'env', name: 'number', kind: 'function' },
    ]);
    expect(WebAssembly.Module.exports(module)).toEqual(
      ['powers', 'place', 'parse'].map((name) => ({ name, kind: 'function' })),
    );
    expect(committed.length).toBeLessThan(20_000);
  });

  it.skipIf(why !== '')(`is what its source is compiled to${why}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
    try {
      const output = join(folder, 'kernel.wasm');
      execFileSync(BUILD, [output]);
      expect(readFileSync(output).equals(committed)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a build script that says how it is used', () => {
    expect(execFileSync(BUILD, ['--help'], { encoding: 'utf8' })).toContain('Usage: ');
  });
});
