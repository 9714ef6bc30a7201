import { stat } from 'node:fs/promises';

/** The bytes of a file that has come so far; 0 where there is none. */
export const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
