/** A larger drift means that the machine's clock was set, or that the machine slept. */
const TOLERANCE_MS = 20;

/**
 * Converts performance.now() to milliseconds since 1970, for all spans with the same offset: Date.now() has whole
 * milliseconds only, and a phase takes microseconds.
 */
export function createClock(): (now: number) => number {
  let origin = performance.timeOrigin;
  return (now) => {
    const drift = Date.now() - performance.now() - origin;
    if (Math.abs(drift) > TOLERANCE_MS) origin += drift;
    return origin + now;
  };
}
