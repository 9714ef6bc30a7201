import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromHome } from '../platform/install.ts';

const BUILD = fromHome('scripts/generate/kernels/build.sh');
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

/** Tests that a kernel's committed bytes are what its source is compiled to. @param name as build.sh knows it */
export function itIsCompiled(name: string, committed: Buffer): void {
  it.skipIf(why !== '')(`is what its source is compiled to${why}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
    try {
      const output = join(folder, 'kernel.wasm');
      execFileSync(BUILD, [name, output]);
      expect(readFileSync(output).equals(committed)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a build script that says how it is used', () => {
    const said = execFileSync(BUILD, ['--help'], { encoding: 'utf8' });
    expect(said).toContain('Usage: ');
    expect(said).toContain(name);
  });
}
