import { createHash } from 'node:crypto';
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelRefused } from '../model/model.ts';
import type { Preferences } from './preferences.ts';
import { PREFERENCES_FILE, parsePreferences } from './preferences.ts';

/** A version folder that a repository holds, before anybody has looked into its files. */
export interface Candidate {
  readonly name: string;
  readonly version: number;
  /** `<name>/<version>`. */
  readonly id: string;
  /** Tells contents of one version apart: names, sizes and times of its files, or digests where S3 has them. */
  readonly fingerprint: string;
  /** Where its files lie, and the folder that none of them may lead out of. */
  readonly folder: string;
  readonly root: string;
}

/** What a repository holds at a moment. */
export interface Listing {
  /** By name, then by version. */
  readonly candidates: readonly Candidate[];
  readonly preferences: Preferences;
  /** What looks like a model and can't be one, for its name: a line for each. */
  readonly strays?: readonly string[];
}

/** The files of a version that are read; others may lie beside them. */
export const VERSION_FILES = ['model.onnx', 'model.json', 'golden.json'] as const;

/** Model and version names become labels of metrics, parts of URLs and of header values. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const VERSION = /^[1-9]\d{0,8}$/;

/** What identifies one content of one version. */
export const keyOf = ({ id, fingerprint }: Pick<Candidate, 'id' | 'fingerprint'>): string =>
  `${id}@${fingerprint}`;

/** Why a name can't be a label of metrics or a part of a URL; undefined when it can. */
export function nameFault(name: string): ModelRefused | undefined {
  if (MODEL_NAME.test(name)) return undefined;
  return new ModelRefused(
    name.replace(/[\p{C}\p{Z}]/gu, ' ').slice(0, 64),
    'a model name has 1 to 64 letters, digits, dots, dashes and underscores',
  );
}

/** @throws {ModelRefused} */
export function requireModelName(name: string): void {
  const fault = nameFault(name);
  if (fault) throw fault;
}

/** The number that a folder's name is; undefined when it is no version. */
export const versionOf = (name: string): number | undefined =>
  VERSION.test(name) ? Number(name) : undefined;

export const byNameAndVersion = (
  a: Pick<Candidate, 'name' | 'version'>,
  b: Pick<Candidate, 'name' | 'version'>,
): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version);

export const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Names of the folders in a folder, sorted. A link to a folder is one: mounted volumes are full of them. */
async function listFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const isFolder = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (entry) => entry.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => isFolder[index]).sort();
}

/** Changes whenever a file is written, replaced, added or removed; costs a few calls of stat. */
export async function fingerprintOf(folder: string): Promise<string> {
  const facts = await Promise.all(
    VERSION_FILES.map((file) =>
      stat(join(folder, file)).then(
        ({ size, mtimeMs, ctimeMs, ino }) => `${size} ${mtimeMs} ${ctimeMs} ${ino}`,
        () => '-',
      ),
    ),
  );
  return digestOf(facts.join('\n'));
}

/** Everything that is one model's: the folder is itself a version, or holds versions. */
async function listOneModel(root: string, name: string): Promise<Candidate[]> {
  const holdsModel = (folder: string): Promise<boolean> =>
    stat(join(folder, 'model.onnx')).then(
      (entry) => entry.isFile(),
      () => false,
    );
  const places: [version: number, folder: string][] = [];
  if (await holdsModel(root)) places.push([1, root]);
  else {
    for (const entry of await listFolders(root).catch(() => [])) {
      const version = versionOf(entry);
      const folder = join(root, entry);
      if (version !== undefined && (await holdsModel(folder))) places.push([version, folder]);
    }
  }
  if (places.length > 0) requireModelName(name);
  return Promise.all(
    places.map(async ([version, folder]) => {
      const fingerprint = await fingerprintOf(folder);
      return { name, version, id: `${name}/${version}`, fingerprint, folder, root };
    }),
  );
}

async function readPreferences(repository: string): Promise<Preferences> {
  const text = await readFile(join(repository, PREFERENCES_FILE), 'utf8').catch(() => undefined);
  return text === undefined ? {} : parsePreferences(text);
}

/**
 * Lists a repository in a folder: `<name>/<version>/`. Where there is none, the folder may be one model's or one
 * version's: that is what KServe mounts.
 *
 * @param onlyModel what a model is called whose folder doesn't tell
 * @throws {ModelRefused} when it can't be read, or holds no version of a model with a possible name
 */
export async function listFolder(repository: string, onlyModel = 'model'): Promise<Listing> {
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new ModelRefused('repository', `${repository} cannot be read (${error.code ?? 'unknown error'})`);
  };
  const root = await realpath(repository).catch(refuse);
  const candidates: Candidate[] = [];
  const faults = new Map<string, ModelRefused>();
  for (const name of await listFolders(root).catch(refuse)) {
    // A model that is removed at this moment is none.
    const folders = await listFolders(join(root, name)).catch(() => []);
    for (const entry of folders) {
      const version = versionOf(entry);
      if (version === undefined) continue;
      const fault = nameFault(name);
      if (fault) {
        faults.set(name, fault);
        break;
      }
      const folder = join(root, name, entry);
      const fingerprint = await fingerprintOf(folder);
      candidates.push({ name, version, id: `${name}/${entry}`, fingerprint, folder, root });
    }
  }
  if (candidates.length === 0) candidates.push(...(await listOneModel(root, onlyModel)));
  const [fault] = faults.values();
  if (candidates.length === 0 && fault) throw fault;
  if (candidates.length === 0)
    throw new ModelRefused('repository', `${repository} holds no <name>/<version> folder`);
  return {
    candidates: candidates.sort(byNameAndVersion),
    preferences: await readPreferences(root),
    strays: [...faults.values()].map(({ message }) => message),
  };
}
