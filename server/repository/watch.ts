import type { Candidate, Listing } from './listing.ts';
import { keyOf } from './listing.ts';
import type { Source } from './source.ts';

export interface Watch {
  stop(): void;
}

const byId = ({ candidates }: Listing): Map<string, Candidate> =>
  new Map(candidates.map((candidate) => [candidate.id, candidate]));

/**
 * The listing without unfinished changes: versions that are the same as one poll ago. A version that is still being copied,
 * or has just vanished, stays as it was applied before, if it was.
 */
export function steady(now: Listing, before: Listing, applied: Listing): Listing {
  const seen = byId(before);
  const known = byId(applied);
  const present = byId(now);
  const ids = [...new Set([...present.keys(), ...seen.keys()])];
  const candidates = ids.flatMap((id) => {
    const candidate = present.get(id);
    const earlier = seen.get(id);
    const same = candidate && earlier ? keyOf(candidate) === keyOf(earlier) : candidate === earlier;
    return (same ? candidate : known.get(id)) ?? [];
  });
  return { ...now, candidates };
}

const print = ({ candidates, preferences, strays = [] }: Listing): string =>
  JSON.stringify([candidates.map(keyOf).sort(), preferences, strays]);

export interface WatchOptions {
  readonly source: Source;
  readonly pollMs: number;
  /** The listing that was last applied. */
  readonly applied: () => Listing;
  /** Receives a changed listing once it is steady; the next poll waits for it. */
  readonly onChange: (listing: Listing) => Promise<void>;
  /** Called when the source can't be read: once, until it can be again. */
  readonly onError: (error: unknown) => void;
  /** A clock of the CPU time that polls take, in milliseconds; by default that of this process. */
  readonly spentMs?: () => number;
}

/** Time of a CPU that polls may take: hundreds of versions are polled less often. */
const MOST_SHARE = 0.005;

/** CPU time of this process, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Polls a source. File events don't pass through mounts and don't exist in S3; a poll costs a few calls of stat for each
 * version. A poll starts when the previous one has ended and `pollMs` have passed, or more where it takes long.
 */
export function watchSource(options: WatchOptions): Watch {
  const { source, pollMs, applied, onChange, onError, spentMs = cpuMs } = options;
  let before = applied();
  let pauseMs = pollMs;
  let failing = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const began = spentMs();
    const now = await source.list();
    pauseMs = Math.max(pollMs, (spentMs() - began) / MOST_SHARE);
    const present = applied();
    const next = steady(now, before, present);
    before = now;
    if (print(present) !== print(next)) await onChange(next);
  };
  const poll = async (): Promise<void> => {
    try {
      await look();
      failing = false;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
    }
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => void poll(), pauseMs);
    timer.unref();
  };
  schedule();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
