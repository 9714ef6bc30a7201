import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it. Node's recursive mkdir never ends where the file system makes no folders (/proc).
 *
 * @param mode of the folders that are made
 * @throws what the system says of the first one that can't be made, in one line
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolder(above, mode);
  await mkdir(folder, { mode }).catch(async (error: NodeJS.ErrnoException) => {
    // Made by somebody else meanwhile, if it is a folder at all: a link may lead nowhere.
    if (error.code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
  });
}
