/** Bytes of one buffer that small matrices share: several hundred single rows. */
const SLAB_CELLS = 65_536;
/** A matrix of more cells has a buffer of its own. */
const MOST_SHARED = SLAB_CELLS / 8;

/** Buffers that are kept for the next large matrices, at most. */
const MOST_KEPT_BYTES = 16 * 2 ** 20;
/** They are freed once none was given back for as long. */
const KEPT_MS = 5000;

type Constructor<M> = new (buffer: ArrayBuffer, byteOffset: number, length: number) => M;

/** Makes the matrices of one model. */
export interface Slab<M> {
  /** All zeros. */
  readonly zeros: (cells: number) => M;
  /** Perhaps cells of an earlier matrix: all of them must be written. */
  readonly reserve: (cells: number) => M;
}

/** By their size. */
const kept = new Map<number, ArrayBuffer[]>();
let keptBytes = 0;
let lastKept = 0;
let timer: NodeJS.Timeout | undefined;

function freeKept(): void {
  const left = lastKept + KEPT_MS - performance.now();
  if (left > 0) {
    timer = setTimeout(freeKept, left).unref();
    return;
  }
  kept.clear();
  keptBytes = 0;
  timer = undefined;
}

/** Rounds up by at most a quarter, so that matrices of some rows more or less fit into the same buffers. */
function sizeFor(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}

function takeKept(size: number): ArrayBuffer | undefined {
  const buffer = kept.get(size)?.pop();
  if (buffer) keptBytes -= size;
  return buffer;
}

/**
 * Keeps the memory of a large matrix for the next ones: one of 1,000 rows would cost the garbage collector as much as its
 * rows cost the encoder. Neither the matrix nor a part of it may be read afterwards.
 */
export function giveBack({
  buffer,
  length,
}: {
  readonly buffer: ArrayBufferLike;
  readonly length: number;
}): void {
  const size = buffer.byteLength;
  if (length <= MOST_SHARED || !(buffer instanceof ArrayBuffer) || keptBytes + size > MOST_KEPT_BYTES) return;
  const same = kept.get(size);
  if (same) same.push(buffer);
  else kept.set(size, [buffer]);
  keptBytes += size;
  lastKept = performance.now();
  timer ??= setTimeout(freeKept, KEPT_MS).unref();
}

/**
 * Makes matrices. Small ones share a buffer, since a buffer of their own costs as much as the rest of a request's
 * encoding. It is freed with the last of them; no part of it is used twice.
 */
export function createSlab<M extends Float32Array | Float64Array>(
  Matrix: Constructor<M>,
  cellBytes: number,
): Slab<M> {
  let slab = new ArrayBuffer(0);
  let used = 0;
  const small = (cells: number): M => {
    const bytes = cells * cellBytes;
    if (used + bytes > slab.byteLength) {
      slab = new ArrayBuffer(SLAB_CELLS * cellBytes);
      used = 0;
    }
    const matrix = new Matrix(slab, used, cells);
    used += bytes;
    return matrix;
  };
  return {
    zeros: (cells) => {
      if (cells <= MOST_SHARED) return small(cells);
      const size = sizeFor(cells * cellBytes);
      const buffer = takeKept(size);
      return buffer
        ? (new Matrix(buffer, 0, cells).fill(0) as M)
        : new Matrix(new ArrayBuffer(size), 0, cells);
    },
    reserve: (cells) => {
      if (cells <= MOST_SHARED) return small(cells);
      const size = sizeFor(cells * cellBytes);
      return new Matrix(takeKept(size) ?? new ArrayBuffer(size), 0, cells);
    },
  };
}
