import { PREFERENCES_FILE } from '../preferences.ts';
import type { Candidate } from '../listing.ts';
import { VERSION_FILES, byNameAndVersion, digestOf, nameFault, versionOf } from '../listing.ts';

/** An object of a bucket, as a listing names it. */
export interface StoredObject {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A version in a bucket: its candidate, and the objects of its files. */
export interface StoredVersion {
  readonly candidate: Candidate;
  readonly objects: ReadonlyMap<string, StoredObject>;
}

/** What a bucket holds. */
export interface Stored {
  readonly versions: readonly StoredVersion[];
  /** The object that holds the repository's preferences. */
  readonly preferences?: StoredObject;
  /** As in `Listing`. */
  readonly strays?: readonly string[];
}

/** Finds versions in keys: those of a repository, or the artifacts of MLflow's runs. */
export type ReadKeys = (objects: readonly StoredObject[], cache: string) => Stored;

const fingerprintOf = (objects: ReadonlyMap<string, StoredObject>): string =>
  digestOf(JSON.stringify([...objects].sort().map(([file, { etag, size }]) => [file, etag, size])));

function toVersion(
  name: string,
  version: number,
  objects: ReadonlyMap<string, StoredObject>,
  cache: string,
): StoredVersion {
  const fingerprint = fingerprintOf(objects);
  const id = `${name}/${version}`;
  const folder = `${cache}/${fingerprint}`;
  return { candidate: { name, version, id, fingerprint, folder, root: folder }, objects };
}

const isVersionFile = (file: string): boolean => (VERSION_FILES as readonly string[]).includes(file);

/** `<prefix><name>/<version>/<file>`. */
export const readRepositoryKeys =
  (prefix: string): ReadKeys =>
  (objects, cache) => {
    const strays = new Set<string>();
    const found = new Map<string, { name: string; version: number; files: Map<string, StoredObject> }>();
    for (const object of objects) {
      const [name = '', folder = '', file = '', ...deeper] = object.key.slice(prefix.length).split('/');
      const version = versionOf(folder);
      if (version === undefined || deeper.length > 0 || !isVersionFile(file)) continue;
      const fault = nameFault(name);
      if (fault) {
        strays.add(fault.message);
        continue;
      }
      const id = `${name}/${version}`;
      const entry = found.get(id) ?? { name, version, files: new Map<string, StoredObject>() };
      entry.files.set(file, object);
      found.set(id, entry);
    }
    const preferences = objects.find(({ key }) => key === `${prefix}${PREFERENCES_FILE}`);
    const versions = [...found.values()].map(({ name, version, files }) =>
      toVersion(name, version, files, cache),
    );
    versions.sort((a, b) => byNameAndVersion(a.candidate, b.candidate));
    return { versions, strays: [...strays], ...(preferences ? { preferences } : {}) };
  };

/**
 * `<experiment>/<run>/artifacts/…/model.onnx` and the files beside it. Each run that logged a model is a version; they are
 * numbered by the time of the run's model, so the newest run is the latest version.
 */
export const readRunKeys =
  (experiment: string, name: string): ReadKeys =>
  (objects, cache) => {
    const runs = new Map<string, { folder: string; modified: number }>();
    for (const { key, modified } of objects) {
      if (!key.startsWith(`${experiment}/`)) continue;
      // MLflow 3 keeps logged models beside the runs.
      const match = /^((?:models\/)?[^/]+)\/artifacts\/(.*\/)?model\.onnx$/.exec(
        key.slice(experiment.length + 1),
      );
      const run = match?.[1];
      if (run === undefined) continue;
      const folder = key.slice(0, -'model.onnx'.length);
      const known = runs.get(run);
      if (!known || folder.length < known.folder.length) runs.set(run, { folder, modified });
    }
    const inOrder = [...runs.values()].sort(
      (a, b) => a.modified - b.modified || (a.folder < b.folder ? -1 : 1),
    );
    const versions = inOrder.map(({ folder }, at) => {
      const files = objects
        .filter(({ key }) => key.startsWith(folder) && isVersionFile(key.slice(folder.length)))
        .map((object) => [object.key.slice(folder.length), object] as const);
      return toVersion(name, at + 1, new Map(files), cache);
    });
    return { versions };
  };
