import type { ErrorCode } from '../errors/problem.ts';
import type { VersionState } from '../model/catalogue.ts';
import type { Engine } from '../model/model.ts';
import type { Candidate } from '../repository/listing.ts';

/** The versions that all processes serve. */
export interface ServedSet {
  /** Increases with each set. */
  readonly number: number;
  /** Name of the model behind the routes that name none. */
  readonly defaultModel: string;
  /** Keys of all versions that answer; a version that is open and not listed is closed after its last request. */
  readonly open: readonly string[];
  /** Those of them that answer where the route names no version. */
  readonly served: readonly string[];
  readonly versions: readonly VersionState[];
}

/**
 * A request to load or unload a model, or one version of it. `add`: a model from a folder outside the repository. `remove`:
 * an unload of one that was added.
 */
export type ModelOrder =
  | { readonly action: 'load' | 'unload'; readonly name: string; readonly version?: number | undefined }
  | { readonly action: 'add'; readonly name: string; readonly folder: string }
  | { readonly action: 'remove'; readonly name: string };

/** Resolves once all processes serve, or have closed, what the order names. @throws {Problem} */
export type OrderModels = (order: ModelOrder) => Promise<void>;

export type RolloutFromProcess =
  /** Every thread has opened this version: with this path, from files of this digest. Or the reason why not. */
  | {
      readonly type: 'opened';
      readonly key: string;
      readonly path: Engine['path'];
      readonly content: string;
    }
  | { readonly type: 'opened'; readonly key: string; readonly refusal: string }
  /** The process serves the set of this number. */
  | { readonly type: 'swapped'; readonly number: number }
  /** A client of the process loads or unloads a model. */
  | { readonly type: 'order'; readonly question: number; readonly order: ModelOrder };

export type RolloutToProcess =
  /** Open a version beside the open ones, and reply with `opened`; fastRefused: why its fast path isn't taken. */
  | { readonly type: 'open'; readonly candidate: Candidate; readonly fastRefused?: string | undefined }
  /** Serve these versions, all of which are open. The first set makes the process listen. */
  | { readonly type: 'serve'; readonly set: ServedSet }
  /** The states of versions that aren't served. */
  | { readonly type: 'versions'; readonly versions: readonly VersionState[] }
  /** An order is carried out, or refused. */
  | {
      readonly type: 'ordered';
      readonly question: number;
      readonly refusal?: { readonly code: ErrorCode; readonly detail: string } | undefined;
    };
