// As in kernel.c.
const POWERS = { least: -64, most: 64 } as const;

/** 5^q as 128 bits of which the first is set; below 0 its reciprocal, rounded up: the table of Lemire's paper. */
function powerOfFive(q: number): bigint {
  const power = 5n ** BigInt(Math.abs(q));
  const bits = BigInt(power.toString(2).length);
  if (q >= 0) return bits <= 128n ? power << (128n - bits) : power >> (bits - 128n);
  const reciprocal = (1n << (bits + 127n)) / power + 1n;
  return reciprocal >> 128n === 0n ? reciprocal : reciprocal >> 1n;
}

let powers: BigUint64Array | undefined;

/** `powers` of kernel.c. */
export const powersOfFive = (): BigUint64Array =>
  (powers ??= BigUint64Array.from(
    Array.from({ length: POWERS.most - POWERS.least + 1 }, (_, at) => powerOfFive(POWERS.least + at)).flatMap(
      (power) => [power >> 64n, BigInt.asUintN(64, power)],
    ),
  ));
