import type { Engine } from '../model/model.ts';
import { ModelRefused, NotFetched } from '../model/refused.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Source } from '../repository/source.ts';
import type { Holding } from './holdings.ts';
import type { RolloutFromProcess } from './messages.ts';

interface Opened {
  readonly opened: true;
  readonly path: Engine['path'];
  /** Differs when the files do. */
  readonly content: string;
}

/** Why a process has not opened a version; fetched: its files are there. */
export interface Refused {
  readonly opened: false;
  readonly refusal: string;
  readonly fetched: boolean;
}

/** `died`: the process exited while it opened the version. */
export type Outcome = Opened | Refused | 'died';

const refused = (refusal: string): Refused => ({ opened: false, refusal, fetched: true });

/** What the comparison of a version's fast path with ONNX Runtime found. */
export type Verified = Verdict | { readonly refusal: string };

export interface Verdict {
  /** Differs when the files do. */
  readonly content: string;
  /** Why its fast path isn't taken; undefined where it answers the probes as ONNX Runtime does. */
  readonly fastRefused?: string;
}

/** Has versions fetched, opened in processes, and their fast paths compared once, beside the processes. */
export interface Openings {
  /** Adds the version's key to those of the process once it is open there. */
  open(holding: Holding, candidate: Candidate): Promise<Outcome>;
  /** Fetches versions and has them compared, before a process is there to open them. Leaves faults to `open`. */
  compareAhead(candidates: readonly Candidate[]): Promise<void>;
  receive(id: number, message: Extract<RolloutFromProcess, { type: 'opened' }>): void;
  /** Forgets all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export interface OpeningsOptions {
  readonly fetch: Source['fetch'];
  readonly verify: (candidate: Candidate) => Promise<Verified>;
}

export function createOpenings({ fetch, verify }: OpeningsOptions): Openings {
  const waiting = new Map<string, (outcome: Outcome) => void>();
  const verdicts = new Map<string, Promise<Verified>>();
  /** Fast paths that are known not to be taken, each with the reason. */
  const fastRefused = new Map<string, string>();

  const request = ({ process }: Holding, candidate: Candidate): Promise<Outcome> =>
    new Promise((resolve) => {
      const key = keyOf(candidate);
      const name = `${process.id} ${key}`;
      const done = (outcome: Outcome): void => {
        waiting.delete(name);
        resolve(outcome);
      };
      waiting.set(name, done);
      void process.exited.then(() => done('died'));
      process.send({ type: 'open', candidate, fastRefused: fastRefused.get(key) });
    });
  const verdictOf = (candidate: Candidate): Promise<Verified> => {
    const key = keyOf(candidate);
    const known = verdicts.get(key);
    if (known) return known;
    const verdict = verify(candidate).then((verified) => {
      if ('content' in verified && verified.fastRefused !== undefined)
        fastRefused.set(key, verified.fastRefused);
      return verified;
    });
    verdicts.set(key, verdict);
    return verdict;
  };
  /**
   * A process opens on trust what is compared at the same time, and opens it again if its fast path is found wrong. Files
   * that have changed since they were compared are refused: processes would give different answers under one name.
   */
  const openFetched = async (holding: Holding, candidate: Candidate): Promise<Outcome> => {
    const verdict = verdictOf(candidate);
    const trusted = !fastRefused.has(keyOf(candidate));
    const outcome = await request(holding, candidate);
    if (outcome === 'died') return outcome;
    const verified = await verdict;
    // The next process that opens it has it compared again.
    if ('refusal' in verified) verdicts.delete(keyOf(candidate));
    // A fast path that differs from the graph may differ from the golden rows as well.
    const isToRepeat = trusted && 'content' in verified && verified.fastRefused !== undefined;
    if (!outcome.opened) return isToRepeat ? request(holding, candidate) : outcome;
    if ('refusal' in verified) return refused(verified.refusal);
    if (verified.content !== outcome.content)
      return refused('its files have changed since they were compared');
    return outcome.path !== 'whole' && isToRepeat ? request(holding, candidate) : outcome;
  };
  return {
    open: async (holding, candidate) => {
      try {
        await fetch(candidate);
      } catch (error) {
        if (!(error instanceof NotFetched)) throw error;
        return { opened: false, refusal: error.reason, fetched: false };
      }
      const outcome = await openFetched(holding, candidate);
      if (outcome !== 'died' && outcome.opened) holding.keys.add(keyOf(candidate));
      return outcome;
    },
    compareAhead: async (candidates) => {
      for (const candidate of candidates) {
        try {
          await fetch(candidate);
        } catch (error) {
          if (error instanceof NotFetched) continue;
          if (error instanceof ModelRefused) return;
          throw error;
        }
        void verdictOf(candidate);
      }
    },
    receive: (id, message) => {
      const outcome: Outcome =
        'path' in message
          ? { opened: true, path: message.path, content: message.content }
          : refused(message.refusal);
      waiting.get(`${id} ${message.key}`)?.(outcome);
    },
    forget: (known) => {
      for (const key of verdicts.keys()) {
        if (known.has(key)) continue;
        verdicts.delete(key);
        fastRefused.delete(key);
      }
    },
  };
}
