/** JSON has no NaN and no Infinity: they become null. */
export const writeNumber = (number: number): string => (Number.isFinite(number) ? String(number) : 'null');

/** The numbers, separated by commas. */
export const writeNumbers = (numbers: Float64Array): string =>
  numbers.every(Number.isFinite) ? numbers.join(',') : Array.from(numbers, writeNumber).join(',');
