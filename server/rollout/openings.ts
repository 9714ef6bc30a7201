import type { Engine } from '../model/model.ts';
import { NotFetched } from '../model/refused.ts';
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

/**
 * Has versions fetched and opened in processes, and their fast paths compared in one process only: the comparison needs
 * ONNX Runtime, which takes 70 MB in each process that has used it.
 */
export interface Openings {
  /** Adds the version's key to those of the process once it is open there. @throws {ModelRefused} the source is down */
  open(holding: Holding, candidate: Candidate): Promise<Outcome>;
  /** A process that was just started has opened all that it has to: no comparison of it is awaited any more. */
  equipped(id: number): void;
  receive(id: number, message: Extract<RolloutFromProcess, { type: 'opened' }>): void;
  /** Forgets all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export function createOpenings(fetch: Source['fetch']): Openings {
  const waiting = new Map<string, (outcome: Outcome) => void>();
  /** How the first process opened a version: others need not compare its paths again, but must find the same files. */
  const verdicts = new Map<string, Promise<Opened | undefined>>();
  /** The process that compares while several start together, until it has opened all. */
  let comparer: { readonly id: number } | undefined;
  /** Processes that wait until the comparer begins with a version, by its key. */
  const awaited = new Map<string, (() => void)[]>();

  const dismiss = (id: number): void => {
    if (comparer?.id !== id) return;
    comparer = undefined;
    for (const key of [...awaited.keys()]) release(key);
  };
  const release = (key: string): void => {
    const waiters = awaited.get(key) ?? [];
    awaited.delete(key);
    for (const resume of waiters) resume();
  };
  /** Waits until the comparer begins with a version, unless that is this process: at a start, all open the same ones. */
  const comparison = async ({ process, equipped }: Holding, key: string): Promise<void> => {
    if (equipped || verdicts.has(key)) return;
    if (!comparer) {
      comparer = { id: process.id };
      void process.exited.then(() => dismiss(process.id));
    }
    if (comparer.id !== process.id)
      await new Promise<void>((resume) => awaited.set(key, [...(awaited.get(key) ?? []), resume]));
  };

  const request = ({ process, keys }: Holding, candidate: Candidate, trusted: boolean): Promise<Outcome> =>
    new Promise((resolve) => {
      const key = keyOf(candidate);
      const name = `${process.id} ${key}`;
      const done = (outcome: Outcome): void => {
        waiting.delete(name);
        if (outcome !== 'died' && outcome.opened) keys.add(key);
        resolve(outcome);
      };
      waiting.set(name, done);
      void process.exited.then(() => done('died'));
      process.send({ type: 'open', candidate, trusted });
    });
  const openFirst = async (holding: Holding, candidate: Candidate): Promise<Outcome> => {
    const key = keyOf(candidate);
    const opening = request(holding, candidate, false);
    verdicts.set(
      key,
      opening.then((outcome) => (outcome !== 'died' && outcome.opened ? outcome : undefined)),
    );
    release(key);
    const outcome = await opening;
    if (outcome === 'died' || !outcome.opened) verdicts.delete(key);
    return outcome;
  };
  /**
   * A process opens on trust what another one compares at the same time, and opens it again if that one finds its fast
   * path wrong: at a start, the comparison takes longest. Files that have changed since they were listed are refused:
   * two processes would give different answers under one name.
   */
  const openFetched = async (holding: Holding, candidate: Candidate): Promise<Outcome> => {
    await comparison(holding, keyOf(candidate));
    const compared = verdicts.get(keyOf(candidate));
    if (!compared) return openFirst(holding, candidate);
    const trusted = await request(holding, candidate, true);
    const verdict = await compared;
    if (trusted === 'died' || !trusted.opened) return trusted;
    if (verdict && verdict.content !== trusted.content)
      return refused('its files have changed since another process opened them');
    return trusted.path === 'whole' || verdict?.path === 'lifted'
      ? trusted
      : request(holding, candidate, false);
  };
  return {
    open: async (holding, candidate) => {
      try {
        await fetch(candidate);
      } catch (error) {
        if (!(error instanceof NotFetched)) throw error;
        return { opened: false, refusal: error.reason, fetched: false };
      }
      return openFetched(holding, candidate);
    },
    equipped: dismiss,
    receive: (id, message) => {
      const outcome: Outcome =
        'path' in message
          ? { opened: true, path: message.path, content: message.content }
          : refused(message.refusal);
      waiting.get(`${id} ${message.key}`)?.(outcome);
    },
    forget: (known) => {
      for (const key of verdicts.keys()) if (!known.has(key)) verdicts.delete(key);
    },
  };
}
