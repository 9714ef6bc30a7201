import type { Candidate, Listing } from './listing.ts';
import { keyOf } from './listing.ts';
import type { Source } from './source.ts';

export interface Watch {
  stop(): void;
}

const byId = ({ candidates }: Listing): Map<string, Candidate> =>
  new Map(candidates.map((candidate) => [candidate.id, candidate]));

/**
 * What of a listing can be relied on: a version that looks as it did a poll ago. One that is still being copied is
 * taken as it was when it last stood still, or not at all; so is one that has just vanished.
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
  /** The listing that was last brought into force. */
  readonly applied: () => Listing;
  /** Is given what changed once it stands still; the next poll waits for it. */
  readonly onChange: (listing: Listing) => Promise<void>;
  /** Is told of a source that can't be read, once until it can be. */
  readonly onError: (error: unknown) => void;
}

/**
 * Looks at a source again and again: file events don't come through mounts and don't exist in S3, a poll is a few
 * calls of stat. A poll begins when the one before it has ended.
 */
export function watchSource({ source, pollMs, applied, onChange, onError }: WatchOptions): Watch {
  let before = applied();
  let failing = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const now = await source.list();
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
    timer = setTimeout(() => void poll(), pollMs);
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
