/** When requests should be sent. All times are in milliseconds, as `performance.now()` counts them. */
export interface Schedule {
  /** Takes the request that is due, if there is one: the moment at which it should have been sent. */
  take(now: number): number | undefined;
  /** Drops the due requests that should have been sent before `limit`; returns those moments. */
  dropBefore(limit: number, now: number): number[];
  /** True when none is due any more and none ever will be. */
  exhausted(now: number): boolean;
  /** Requests that are due and wait for a connection. */
  waiting(now: number): number;
  /** Ends the schedule at `now`; what is due by then stays due. */
  end(now: number): void;
}

export interface Limits {
  readonly startMs: number;
  readonly durationMs: number;
  /** Requests in all. */
  readonly amount: number;
}

/** Closed loop: a connection sends its next request when it has the answer to the one before. */
export function closedLoop({ startMs, durationMs, amount }: Limits): Schedule {
  let taken = 0;
  let endMs = startMs + durationMs;
  const exhausted = (now: number): boolean => taken >= amount || now >= endMs;
  return {
    take(now) {
      if (exhausted(now)) return undefined;
      taken += 1;
      return now;
    },
    dropBefore: () => [],
    exhausted,
    waiting: () => 0,
    end(now) {
      endMs = Math.min(endMs, now);
    },
  };
}

/**
 * Open loop: request number i is due i / rate seconds after the start, whatever became of those before it. One that
 * finds all connections busy waits, and its latency counts from the moment when it was due.
 */
export function openLoop({ startMs, durationMs, amount }: Limits, ratePerSecond: number): Schedule {
  const intervalMs = 1000 / ratePerSecond;
  let taken = 0;
  // Rounding must not let in one that is due exactly at the end.
  let total = Math.min(amount, Math.ceil(durationMs / intervalMs - 1e-9));
  const dueMs = (index: number): number => startMs + index * intervalMs;
  const dueBy = (now: number): number =>
    Math.min(total, Math.max(0, Math.floor((now - startMs) / intervalMs) + 1));
  const take = (now: number): number | undefined => {
    if (taken >= total || dueMs(taken) > now) return undefined;
    taken += 1;
    return dueMs(taken - 1);
  };
  return {
    take,
    dropBefore(limit, now) {
      const dropped: number[] = [];
      while (taken < total && dueMs(taken) < limit) {
        const due = take(now);
        if (due === undefined) break;
        dropped.push(due);
      }
      return dropped;
    },
    exhausted: () => taken >= total,
    waiting: (now) => Math.max(0, dueBy(now) - taken),
    end(now) {
      total = Math.max(taken, dueBy(now));
    },
  };
}
