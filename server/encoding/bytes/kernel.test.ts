import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { itIsCompiled } from '../../testing/committedKernel.ts';

const committed = readFileSync(new URL('./rowKernel.wasm', import.meta.url));

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
    expect(committed.length).toBeLessThan(30_000);
  });

  itIsCompiled('rows', committed);
});
