/** Seconds. A tabular model answers within 50 µs, which the usual buckets, from 5 ms on, can't show. */
export const LATENCY_BUCKETS = [
  0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.000_75, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1,
  0.25, 0.5, 1, 2.5, 5, 10,
];

/** Bytes, from a single row to the largest bodies. */
export const SIZE_BUCKETS = [
  256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/** Rows of a batch, in powers of two up to its cap. */
export const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Predicted values of any unit, in steps of 1, 2 and 5. */
export const VALUE_BUCKETS = [-2, -1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) =>
  [1, 2, 5].map((digit) => Number(`${digit}e${power}`)),
);
