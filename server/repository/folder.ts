import type { Dirent, Stats } from 'node:fs';
import { readdir as readdirCallback, stat as statCallback } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate, Listing } from './listing.ts';
import {
  VERSION_FILES,
  byNameAndVersion,
  digestOf,
  nameFault,
  requireModelName,
  versionOf,
} from './listing.ts';
import type { Preferences } from './preferences.ts';
import { PREFERENCES_FILE, parsePreferences } from './preferences.ts';
import { ModelRefused } from '../model/refused.ts';

// A poll makes thousands of these calls in a large repository; those of node:fs/promises take three times as long.
const stat = (path: string): Promise<Stats> =>
  new Promise((resolve, reject) =>
    statCallback(path, (error, stats) => (error ? reject(error) : resolve(stats))),
  );
const readdir = (folder: string): Promise<Dirent[]> =>
  new Promise((resolve, reject) =>
    readdirCallback(folder, { withFileTypes: true }, (error, entries) =>
      error ? reject(error) : resolve(entries),
    ),
  );

/** Names of the folders in a folder, sorted. Links to folders count: mounted volumes are full of them. */
async function listFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder);
  const isFolder = await Promise.all(
    entries.map(async (entry) =>
      entry.isSymbolicLink()
        ? stat(join(folder, entry.name)).then(
            (target) => target.isDirectory(),
            () => false,
          )
        : entry.isDirectory(),
    ),
  );
  return entries.flatMap(({ name }, at) => (isFolder[at] ? [name] : [])).sort();
}

/** Changes when a file is written, replaced, added or removed. Costs a few calls of stat. */
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

/** Lists the versions of a model; undefined where its name can't be a model's. */
async function listModel(root: string, name: string): Promise<Candidate[] | undefined> {
  // The model may have been removed since.
  const folders = (await listFolders(join(root, name)).catch(() => [])).filter(
    (entry) => versionOf(entry) !== undefined,
  );
  if (folders.length > 0 && nameFault(name)) return undefined;
  return Promise.all(
    folders.map(async (entry) => {
      const folder = join(root, name, entry);
      const fingerprint = await fingerprintOf(folder);
      return { name, version: Number(entry), id: `${name}/${entry}`, fingerprint, folder, root };
    }),
  );
}

const isAbsent = (folder: string): Promise<boolean> =>
  stat(folder).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );

/** Lists a folder that belongs to one model: it is a version itself, or holds versions. */
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

/**
 * Lists the versions in a folder that belongs to one model, outside of any repository.
 *
 * @throws {ModelRefused} when it can't be read, or holds none
 */
export async function listModelFolder(folder: string, name: string): Promise<Candidate[]> {
  const root = await realpath(folder).catch((error: NodeJS.ErrnoException) => {
    throw new ModelRefused(name, `its folder cannot be read (${error.code ?? 'unknown error'})`);
  });
  const versions = await listOneModel(root, name);
  if (versions.length === 0)
    throw new ModelRefused(name, 'its folder holds neither model.onnx nor <version>/model.onnx');
  return versions.sort(byNameAndVersion);
}

async function readPreferences(repository: string): Promise<Preferences> {
  const text = await readFile(join(repository, PREFERENCES_FILE), 'utf8').catch(() => undefined);
  return text === undefined ? {} : parsePreferences(text);
}

/**
 * Lists a repository in a folder: `<name>/<version>/`. Without such folders, it may belong to one model or one version:
 * that is what KServe mounts.
 *
 * @param onlyModel the name of the model in such a folder
 * @param mayBeEmpty models may come by request: a folder that isn't there is an empty repository, too
 * @throws {ModelRefused} when it can't be read, or holds no version of a model with a possible name
 */
export async function listFolder(
  repository: string,
  onlyModel = 'model',
  mayBeEmpty = false,
): Promise<Listing> {
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new ModelRefused('repository', `${repository} cannot be read (${error.code ?? 'unknown error'})`);
  };
  if (mayBeEmpty && (await isAbsent(repository))) return { candidates: [], preferences: {} };
  const root = await realpath(repository).catch(refuse);
  const names = await listFolders(root).catch(refuse);
  const models = await Promise.all(names.map((name) => listModel(root, name)));
  const candidates = models.flatMap((versions) => versions ?? []);
  const faults = names.flatMap((name, at) => (models[at] ? [] : (nameFault(name) ?? [])));
  if (candidates.length === 0) candidates.push(...(await listOneModel(root, onlyModel)));
  const [fault] = faults;
  if (candidates.length === 0 && fault) throw fault;
  if (candidates.length === 0 && !mayBeEmpty)
    throw new ModelRefused('repository', `${repository} holds no <name>/<version> folder`);
  return {
    candidates: candidates.sort(byNameAndVersion),
    preferences: await readPreferences(root),
    strays: faults.map(({ message }) => message),
  };
}
