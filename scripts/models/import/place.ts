import { readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { makeFolder } from '../../../server/platform/makeFolder.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { requireModelName, versionOf } from '../../../server/repository/listing.ts';
import { Failure } from '../../cli/faults.ts';

/** Where a version is to be. */
export interface Place {
  readonly repository: string;
  readonly name: string;
  readonly version: number;
  /** `<repository>/<name>/<version>`. */
  readonly folder: string;
}

/** Names that say nothing about the model. */
const COMMON = new Set(['model', 'artifacts', 'data']);

/** A name for a model by the path that it is imported from. */
export function nameOf(path: string): string {
  const base = basename(path, extname(path));
  const name = base.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  const above = dirname(path);
  return (COMMON.has(name) || name === '') && above !== path && basename(above) !== ''
    ? nameOf(above)
    : name.slice(0, 64);
}

/** @throws {Failure | ModelRefused} for a wrong name or version, or one that is there already */
export async function findPlace(repository: string, name: string, wanted?: string): Promise<Place> {
  requireModelName(name);
  const given = wanted === undefined ? undefined : versionOf(wanted);
  if (wanted !== undefined && given === undefined) throw new Failure('a version is a positive integer');
  const present = await readdir(join(repository, name)).catch(() => []);
  const version = given ?? Math.max(0, ...present.flatMap((entry) => versionOf(entry) ?? [])) + 1;
  const folder = join(repository, name, String(version));
  if (await stat(folder).catch(() => undefined)) throw new Failure(`${folder} is there already`);
  return { repository, name, version, folder };
}

/**
 * Writes a version aside and then moves it to its place in one step, so that a server that watches the repository sees
 * all of it or nothing.
 *
 * @param fill writes the files into the candidate's folder; when it throws, nothing is left behind
 */
export async function writeAside<T>(place: Place, fill: (candidate: Candidate) => Promise<T>): Promise<T> {
  const { name, version, folder } = place;
  const aside = join(dirname(folder), `.${version}.importing`);
  try {
    await rm(aside, { recursive: true, force: true });
    await makeFolder(aside);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Failure(
      `${dirname(folder)} cannot be written (${code}): name another folder with --repository`,
    );
  }
  try {
    const candidate = {
      name,
      version,
      id: `${name}/${version}`,
      fingerprint: '',
      folder: aside,
      root: aside,
    };
    const done = await fill(candidate);
    await rename(aside, folder);
    return done;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // Empty, if it was made for this.
    await rmdir(dirname(folder)).catch(() => undefined);
    throw error;
  }
}
