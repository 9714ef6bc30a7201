import { refuse } from './checkEnsemble.ts';

/** Half of what WebAssembly can address; as in scripts/generate/kernels/build.sh. */
const MAX_BYTES = 2 ** 31;
export const PAGE = 65_536;
const CACHE_LINE = 64;

const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE);

/** Allocates a range for the caller alone: threads may do so at the same time. @throws {EnsembleRefused} */
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

/** Allocates ranges of these sizes in bytes, each at the start of a cache line. @throws {EnsembleRefused} */
export function reserveEach<Name extends string>(
  memory: WebAssembly.Memory,
  sizes: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(sizes) as Name[];
  const sizeOf = (name: Name): number => Math.ceil(sizes[name] / CACHE_LINE) * CACHE_LINE;
  let at = reserve(
    memory,
    names.reduce((sum, name) => sum + sizeOf(name), 0),
  );
  const places = {} as Record<Name, number>;
  for (const name of names) {
    places[name] = at;
    at += sizeOf(name);
  }
  return places;
}

/** Copies arrays into the kernel's memory. @throws {EnsembleRefused} */
export function placeArrays<Name extends string>(
  memory: WebAssembly.Memory,
  arrays: Readonly<Record<Name, Uint32Array>>,
): Record<Name, Uint32Array> {
  const names = Object.keys(arrays) as Name[];
  const sizes = Object.fromEntries(names.map((name) => [name, arrays[name].byteLength]));
  const places = reserveEach(memory, sizes as Record<Name, number>);
  const placed = {} as Record<Name, Uint32Array>;
  for (const name of names) {
    placed[name] = new Uint32Array(memory.buffer, places[name], arrays[name].length);
    placed[name].set(arrays[name]);
  }
  return placed;
}
