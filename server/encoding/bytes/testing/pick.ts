/** Makes whole numbers below a count, the same ones for the same seed. */
export function createPick(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * count);
  };
}
