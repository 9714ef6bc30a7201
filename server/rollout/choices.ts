import type { Candidate, Listing } from '../repository/listing.ts';
import { byNameAndVersion } from '../repository/listing.ts';

/**
 * What was loaded and unloaded by request, beside what the repository and the settings say. It lasts as long as the
 * primary: a poll, a reload and a process that is replaced change nothing of it.
 */
export interface Choices {
  /** Ends an unload, of the model or of one version; a named version is open however old it is. */
  load(name: string, version?: number): void;
  /** Keeps a model closed, also its versions to come, or one version, whatever its files. */
  unload(name: string, version?: number): void;
  /** Adds the versions of a model that the repository doesn't hold; they take the place of those that it does. */
  add(versions: readonly Candidate[]): void;
  /** Whether a request keeps the version closed. */
  isClosed(version: Pick<Candidate, 'name' | 'id'>): boolean;
  /** Whether a request keeps all of a model closed. */
  isUnloaded(name: string): boolean;
  /** The name belongs to a model that was added. */
  isAdded(name: string): boolean;
  /** Ids of the versions that were loaded by their number. */
  readonly named: ReadonlySet<string>;
  /** A listing with the versions that were added. */
  complete(listing: Listing): Listing;
}

export function createChoices(): Choices {
  const unloaded = new Set<string>();
  const closed = new Set<string>();
  const named = new Set<string>();
  const added = new Map<string, readonly Candidate[]>();
  const forget = (ids: Set<string>, name: string): void => {
    for (const id of ids) if (id.startsWith(`${name}/`)) ids.delete(id);
  };
  return {
    load: (name, version) => {
      if (version === undefined) {
        unloaded.delete(name);
        forget(closed, name);
      } else {
        closed.delete(`${name}/${version}`);
        named.add(`${name}/${version}`);
      }
    },
    unload: (name, version) => {
      if (version === undefined) {
        unloaded.add(name);
        added.delete(name);
        forget(closed, name);
        forget(named, name);
      } else {
        closed.add(`${name}/${version}`);
        named.delete(`${name}/${version}`);
      }
    },
    add: (versions) => {
      for (const { name } of versions) {
        unloaded.delete(name);
        added.set(
          name,
          versions.filter((one) => one.name === name),
        );
      }
    },
    isClosed: ({ name, id }) => closed.has(id) || (unloaded.has(name) && !named.has(id)),
    isUnloaded: (name) => unloaded.has(name),
    isAdded: (name) => added.has(name),
    named,
    complete: (listing) => {
      if (added.size === 0) return listing;
      const candidates = listing.candidates.filter(({ name }) => !added.has(name));
      return {
        ...listing,
        candidates: [...candidates, ...[...added.values()].flat()].sort(byNameAndVersion),
      };
    },
  };
}
