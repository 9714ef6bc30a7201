import type { Case, Load } from '../../../server/testing/load.ts';
import type { Server, ServerOptions } from '../../../server/testing/startServer.ts';
import type { Chance } from './random.ts';

/** What a fault has to do its work with. */
export interface Scene {
  readonly server: Server;
  /** Runs from before the fault until after it. */
  readonly load: Load;
  readonly cases: readonly Case[];
  readonly chance: Chance;
  /** How often a fault that is repeated is. */
  readonly times: number;
  readonly say: (text: string) => void;
  /** Waits until so many processes are ready and none of these is among them; and says that the server is itself again. */
  recovered(without?: readonly number[], processes?: number): Promise<void>;
  /** What the preparation has given. */
  readonly prepared: Prepared;
}

/** What a fault needs around the server. */
export interface Prepared {
  readonly options?: ServerOptions;
  /** Why the fault can't be had here. */
  readonly missing?: string;
  /** Whatever the fault does outside of the server. */
  readonly strike?: () => Promise<void> | void;
  readonly mend?: () => Promise<void> | void;
  readonly end?: () => Promise<void> | void;
}

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  /** One line. */
  readonly what: string;
  /** What may be lost; without it, no request may be. */
  readonly mayLose?: string;
  /** The server ends by it, with this code. */
  readonly endsWith?: number;
  /** How often it is repeated, unless the caller says so. */
  readonly times?: number;
  /** @param folder an empty one, removed afterwards */
  prepare?(folder: string): Promise<Prepared> | Prepared;
  strike(scene: Scene): Promise<void>;
}
