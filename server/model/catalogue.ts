import type { Model } from './model.ts';

/**
 * The models that answer requests. Each request looks its model up once and keeps it: a swap is one step, and requests
 * in flight end on the version they began with.
 */
export interface Catalogue {
  /** The model that answers the routes which name none. */
  readonly defaultModel: Model;
  /** Every version that answers, sorted by name, then by version. */
  readonly models: readonly Model[];
  /** Every version that the repository holds, in the same order. */
  readonly versions: readonly VersionState[];
  /** A version of a model, or the one that is served where none is named; undefined if there is none. */
  find(name: string, version?: number): Model | undefined;
}

/** The numbers of a model's versions that answer. */
export const versionsOf = ({ models }: Pick<Catalogue, 'models'>, { name }: Pick<Model, 'name'>): number[] =>
  models.filter((model) => model.name === name).map(({ version }) => version);

/**
 * Ready: it answers. Loading: it is opened and verified. Refused: it can't be served, for `reason`. Closed: newer
 * versions are open instead. Leaving: the repository no longer holds it, or has other content in its place, but no
 * other version can take over.
 */
export type State = 'ready' | 'loading' | 'refused' | 'closed' | 'leaving';

/** The state of a version, open or not. */
export interface VersionState {
  readonly name: string;
  readonly version: number;
  /** Whether it answers requests that name no version. */
  readonly served: boolean;
  readonly state: State;
  /** One line. */
  readonly reason?: string;
}

const stateOf = ({ name, version }: Model): VersionState => ({ name, version, served: true, state: 'ready' });

/** A catalogue that never changes, of one version a model. */
export function createCatalogue(models: readonly Model[], defaultModel: Model): Catalogue {
  return {
    defaultModel,
    models,
    versions: models.map(stateOf),
    find: (name, version) =>
      models.find((model) => model.name === name && (version === undefined || model.version === version)),
  };
}

/** The contents of a catalogue at one moment. */
export interface Contents {
  readonly defaultModel: Model;
  /** Sorted by name, then by version. */
  readonly models: readonly Model[];
  /** Those of them that answer where no version is named, one a name. */
  readonly served: readonly Model[];
  readonly versions: readonly VersionState[];
}

export interface LiveCatalogue extends Catalogue {
  /** Swaps everything in one step. */
  replace(contents: Contents): void;
  /** Replaces the states of versions that aren't served. */
  describe(versions: readonly VersionState[]): void;
}

interface Index extends Contents {
  readonly byName: ReadonlyMap<string, Model>;
  readonly byId: ReadonlyMap<string, Model>;
}

const index = (contents: Contents): Index => ({
  ...contents,
  byName: new Map(contents.served.map((model) => [model.name, model])),
  byId: new Map(contents.models.map((model) => [model.id, model])),
});

/** A catalogue whose contents can be replaced. */
export function createLiveCatalogue(contents: Contents): LiveCatalogue {
  let now = index(contents);
  return {
    get defaultModel() {
      return now.defaultModel;
    },
    get models() {
      return now.models;
    },
    get versions() {
      return now.versions;
    },
    find: (name, version) =>
      version === undefined ? now.byName.get(name) : now.byId.get(`${name}/${version}`),
    replace: (next) => {
      now = index(next);
    },
    describe: (versions) => {
      now = { ...now, versions };
    },
  };
}
