/** Longer than the silence that ends a server process. */
export const LONG_SILENCE_MS = 4000;
