import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and its parents. Node's recursive mkdir never returns on a file system without mkdir (/proc).
 *
 * @param mode of the folders that are made
 * @throws the system's error for the first folder that can't be made
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolder(above, mode);
  await mkdir(folder, { mode }).catch(async (error: NodeJS.ErrnoException) => {
    // Another program may have made it meanwhile. It may also be a file, or a link that leads nowhere.
    if (error.code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
  });
}
