/** Points of the kernel's passes. A row's sums have as many numbers as the first. */
const PASSES = [8, 4, 2] as const;
export const MOST_POINTS = PASSES[0];

/** Points that integrate paths of so many features exactly: an even number. */
export const pointsFor = (features: number): number => 2 * Math.max(1, Math.ceil(features / 4));

/** The Legendre polynomial of degree n at x, and its derivative. */
function legendre(n: number, x: number): { value: number; slope: number } {
  let [before, value] = [1, x];
  for (let k = 2; k <= n; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  return { value, slope: (n * (x * value - before)) / (x * x - 1) };
}

/** Points and weights of the Gauss-Legendre rule of n points on [0, 1]: exact up to the degree 2n - 1. */
export function gaussLegendre(n: number): { points: number[]; weights: number[] } {
  const points: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    for (let step = 1; Math.abs(step) > 1e-16;) {
      const { value, slope } = legendre(n, x);
      const next = x - value / slope;
      // Rounding ends the convergence.
      step = Math.abs(next - x) < Math.abs(step) ? next - x : 0;
      x = next;
    }
    const { slope } = legendre(n, x);
    points.push((1 + x) / 2);
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { points, weights };
}

/** The rules of 2 points, of 4, up to `most`, as the kernel reads them. */
export function packRules(most: number): Float64Array {
  const packed: number[] = [];
  for (let count = 2; count <= most; count += 2) {
    const { points, weights } = gaussLegendre(count);
    for (let from = 0; from < count;) {
      const size = PASSES.find((pass) => pass <= count - from) as number;
      const t = points.slice(from, from + size);
      packed.push(...t, ...t.map((x) => 1 - x), ...weights.slice(from, from + size));
      from += size;
    }
  }
  return Float64Array.from(packed);
}
