/** Of contributions [n, columns] the mean size of each column's. */
export function meanSizes(contributions: Float64Array, columns: number): Float64Array {
  const sizes = new Float64Array(columns);
  const n = contributions.length / columns;
  contributions.forEach((value, at) => ((sizes[at % columns] as number) += Math.abs(value) / n));
  return sizes;
}
