import { readFile, readdir, realpath, stat } from 'node:fs/promises';
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

/** Names of the folders in a folder, sorted. Links to folders count: mounted volumes are full of them. */
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

async function readPreferences(repository: string): Promise<Preferences> {
  const text = await readFile(join(repository, PREFERENCES_FILE), 'utf8').catch(() => undefined);
  return text === undefined ? {} : parsePreferences(text);
}

/**
 * Lists a repository in a folder: `<name>/<version>/`. Without such folders, it may belong to one model or one version:
 * that is what KServe mounts.
 *
 * @param onlyModel the name of the model in such a folder
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
    // The model may have been removed since.
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
