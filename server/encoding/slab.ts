/** Cells of one buffer: several hundred single rows. */
const SLAB_CELLS = 65_536;

type Constructor<M> = new (buffer: ArrayBuffer, byteOffset: number, length: number) => M;

/**
 * Makes matrices of zeros. Small ones share a buffer, since a buffer of their own costs as much as the rest of a
 * request's encoding. It is freed with the last of them; no part of it is used twice.
 */
export function createSlab<M>(Matrix: Constructor<M>, cellBytes: number): (cells: number) => M {
  let slab = new ArrayBuffer(0);
  let used = 0;
  return (cells) => {
    const bytes = cells * cellBytes;
    if (cells > SLAB_CELLS / 8) return new Matrix(new ArrayBuffer(bytes), 0, cells);
    if (used + bytes > slab.byteLength) {
      slab = new ArrayBuffer(SLAB_CELLS * cellBytes);
      used = 0;
    }
    const matrix = new Matrix(slab, used, cells);
    used += bytes;
    return matrix;
  };
}
