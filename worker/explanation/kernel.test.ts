import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { itIsCompiled } from '../../server/testing/committedKernel.ts';

const committed = readFileSync(new URL('./explanationKernel.wasm', import.meta.url));

describe('the explanation kernel', () => {
  it('takes nothing but a memory, gives nothing but two functions, and is small', () => {
    const module = new WebAssembly.Module(committed);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(WebAssembly.Module.exports(module)).toEqual([
      { name: 'explain', kind: 'function' },
      { name: 'fold', kind: 'function' },
    ]);
    expect(committed.length).toBeLessThan(8_000);
  });

  itIsCompiled('explanation', committed);
});
