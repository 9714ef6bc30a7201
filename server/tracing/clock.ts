/** Beyond it the machine's clock was set, or the machine slept. */
const TOLERANCE_MS = 20;

/**
 * From performance.now() to milliseconds since 1970. Of all spans by the same offset, so that a phase of some
 * microseconds stands where it belongs: Date.now() knows whole milliseconds only.
 */
export function createClock(): (now: number) => number {
  let origin = performance.timeOrigin;
  return (now) => {
    const drift = Date.now() - performance.now() - origin;
    if (Math.abs(drift) > TOLERANCE_MS) origin += drift;
    return origin + now;
  };
}
