import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure } from '../../cli/faults.ts';

/** Debian's folders that are on root's path alone. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** How each program is installed. */
const HOW = {
  wrk: 'apt-get install -y wrk',
  nginx: 'apt-get install -y nginx-light',
  taskset: 'apt-get install -y util-linux',
  python3: 'apt-get install -y python3 python3-venv',
} as const;

export type Program = keyof typeof HOW;

/** The program's path, or undefined where it isn't installed. */
export function findProgram(name: Program): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat(SYSTEM_FOLDERS);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** @throws {Failure} with the command that installs it */
export function requireProgram(name: Program): string {
  const found = findProgram(name);
  if (found === undefined) throw new Failure(`${name} is missing; on Debian run as root: ${HOW[name]}`);
  return found;
}

/** Why tests that need a program can't run here, or undefined where they can. */
export function missingPrograms(...names: Program[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0
    ? undefined
    : missing.map((name) => `skipped, ${name} is missing: ${HOW[name]}`).join('; ');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
