import { refuse } from './checkEnsemble.ts';

/** Half of what WebAssembly can address; as in build.sh. */
const MAX_BYTES = 2 ** 31;
export const PAGE = 65_536;

const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE);

/** Allocates a range whose place nobody else gets: threads may do so at the same time. @throws {EnsembleRefused} */
export function reserve(memory: WebAssembly.Memory, bytes: number): number {
  try {
    return memory.grow(pagesFor(bytes)) * PAGE;
  } catch {
    return refuse(`the kernel needs more than ${MAX_BYTES} bytes`);
  }
}

/** An empty memory. The first page stays unused: no pointer of the kernel is null. @throws {EnsembleRefused} */
export function createForestMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: MAX_BYTES / PAGE, shared: true });
  } catch {
    return refuse('there is no memory for the kernel');
  }
}

/** The arrays one after the other in the kernel's memory, each at the start of a cache line. @throws {EnsembleRefused} */
export function placeArrays<Name extends string>(
  memory: WebAssembly.Memory,
  arrays: Readonly<Record<Name, Uint32Array>>,
): Record<Name, Uint32Array> {
  const names = Object.keys(arrays) as Name[];
  const sizeOf = (name: Name): number => Math.ceil(arrays[name].byteLength / 64) * 64;
  let at = reserve(
    memory,
    names.reduce((sum, name) => sum + sizeOf(name), 0),
  );
  const placed = {} as Record<Name, Uint32Array>;
  for (const name of names) {
    placed[name] = new Uint32Array(memory.buffer, at, arrays[name].length);
    placed[name].set(arrays[name]);
    at += sizeOf(name);
  }
  return placed;
}
