import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: the code runs from `dist/` as well as from its sources. */
function findHome(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findHome(dirname(folder));
}

/** The project folder. */
export const HOME = findHome(dirname(fileURLToPath(import.meta.url)));

const versionOf = (path: string): string =>
  (JSON.parse(readFileSync(join(HOME, path), 'utf8')) as { version: string }).version;

/** The version of this software. */
export const softwareVersion = (): string => versionOf('package.json');

/** The version of ONNX Runtime, from its package.json: server processes never load it. */
export const onnxRuntimeVersion = (): string => versionOf('node_modules/onnxruntime-node/package.json');

/** Resolves a path of the settings: a relative one starts at the project folder. */
export const fromHome = (path: string): string => resolve(HOME, path);
