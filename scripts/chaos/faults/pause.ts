/** Longer than the silence that ends a server process. */
export const LONG_SILENCE_MS = 4000;

/** Lets time pass: here that is the fault. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
