import type { RolloutFromProcess, RolloutToProcess } from './messages.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Engine } from '../model/model.ts';

/** A server process as the primary's decisions about models need it. */
export interface Recipient {
  readonly id: number;
  tell(message: RolloutToProcess): void;
  readonly exited: Promise<unknown>;
}

/** A process, and the keys of what it has opened. */
export interface Opener {
  readonly process: Recipient;
  readonly keys: Set<string>;
}

interface Opened {
  readonly opened: true;
  readonly path: Engine['path'];
  /** Differs when the files do. */
  readonly content: string;
}

/** Without a refusal, the process died over it. */
export type Outcome = Opened | { readonly opened: false; readonly refusal: string | undefined };

/** Has versions opened in processes, and their paths compared in the first of them only. */
export interface Openings {
  /** Adds the version's key to the process's once it is open there. */
  open(holding: Opener, candidate: Candidate): Promise<Outcome>;
  receive(id: number, message: Extract<RolloutFromProcess, { type: 'opened' }>): void;
  /** Lets go of all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export function createOpenings(): Openings {
  const waiting = new Map<string, (outcome: Outcome) => void>();
  /** How the first process opened a version: others need not compare its paths again, but must find the same files. */
  const verdicts = new Map<string, Promise<Opened | undefined>>();

  const ask = (holding: Opener, candidate: Candidate, trusted: boolean): Promise<Outcome> =>
    new Promise((resolve) => {
      const { process, keys } = holding;
      const key = keyOf(candidate);
      const name = `${process.id} ${key}`;
      const done = (outcome: Outcome): void => {
        waiting.delete(name);
        if (outcome.opened) keys.add(key);
        resolve(outcome);
      };
      waiting.set(name, done);
      void process.exited.then(() => done({ opened: false, refusal: undefined }));
      process.tell({ type: 'open', candidate, trusted });
    });
  const openFirst = async (holding: Opener, candidate: Candidate): Promise<Outcome> => {
    const key = keyOf(candidate);
    const opening = ask(holding, candidate, false);
    verdicts.set(
      key,
      opening.then((outcome) => (outcome.opened ? outcome : undefined)),
    );
    const outcome = await opening;
    if (!outcome.opened) verdicts.delete(key);
    return outcome;
  };
  /**
   * A process opens what another one verifies at the same time on trust, and opens it anew should that one find its
   * faster path wrong: at a start, the comparison is the longest part. Files that have changed since they were listed
   * are refused: two processes would give different answers under one name.
   */
  const open: Openings['open'] = async (holding, candidate) => {
    const compared = verdicts.get(keyOf(candidate));
    if (!compared) return openFirst(holding, candidate);
    const trusted = await ask(holding, candidate, true);
    const verdict = await compared;
    if (!trusted.opened) return trusted;
    if (verdict && verdict.content !== trusted.content)
      return { opened: false, refusal: 'its files have changed since another process opened them' };
    return trusted.path === 'whole' || verdict?.path === 'lifted' ? trusted : ask(holding, candidate, false);
  };
  return {
    open,
    receive: (id, message) => {
      const outcome: Outcome =
        'path' in message
          ? { opened: true, path: message.path, content: message.content }
          : { opened: false, refusal: message.refusal };
      waiting.get(`${id} ${message.key}`)?.(outcome);
    },
    forget: (known) => {
      for (const key of verdicts.keys()) if (!known.has(key)) verdicts.delete(key);
    },
  };
}
