import type { Case, Load } from '../../../server/testing/load.ts';
import type { Server, ServerOptions } from '../../../server/testing/startServer.ts';
import type { Chance } from './random.ts';

/** Longer than the silence after which a server process is killed. */
export const LONG_SILENCE_MS = 4000;

/** What a fault works with. */
export interface Scene {
  readonly server: Server;
  /** Runs from before the fault until after it. */
  readonly load: Load;
  readonly cases: readonly Case[];
  readonly chance: Chance;
  /** How often the fault is repeated. */
  readonly times: number;
  readonly say: (text: string) => void;
  /** Waits until both processes are ready, none of `without` among them, and records the time since the last fault. */
  recovered(without?: readonly number[]): Promise<void>;
  /** The result of the fault's `prepare`. */
  readonly prepared: Prepared;
}

/** What a fault sets up around the server. */
export interface Prepared {
  readonly options?: ServerOptions;
  /** Why the fault is impossible here: it is skipped. */
  readonly missing?: string;
  /** What the fault does outside the server, how that is undone, and the clean-up. */
  readonly strike?: () => Promise<void> | void;
  readonly mend?: () => Promise<void> | void;
  readonly end?: () => Promise<void> | void;
}

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  /** One line. */
  readonly what: string;
  /** What may be lost, for readers; without it, a lost request is a failure. */
  readonly mayLose?: string;
  /** Which connections may be refused, for readers; without it, a refused one counts as lost. Refused clients end. */
  readonly mayRefuse?: string;
  /** The server ends, with this code. */
  readonly endsWith?: number;
  /** How often it is repeated by default. */
  readonly times?: number;
  /** @param folder an empty one, removed afterwards */
  prepare?(folder: string): Promise<Prepared> | Prepared;
  strike(scene: Scene): Promise<void>;
}
