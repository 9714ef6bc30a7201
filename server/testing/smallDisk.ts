import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { withTemporaryFolder } from './temporaryFolder.ts';

/** Runs with the folder of a file system of this many KiB, which is removed afterwards. */
export const withSmallDisk = (kibibytes: number, run: (folder: string) => Promise<void>): Promise<void> =>
  withTemporaryFolder(async (home) => {
    const folder = join(home, 'disk');
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', folder]);
    if (mounted.status !== 0) throw mounted.error ?? new Error(mounted.stderr.toString());
    try {
      await run(folder);
    } finally {
      spawnSync('umount', ['-l', folder]);
    }
  });

/** Writes a file until its disk is full. */
export function fillDisk(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, 'x'.repeat(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Why there is no small disk to be had; undefined if there is one. */
export const diskMissing: string | undefined = await withSmallDisk(64, () => Promise.resolve()).then(
  () => undefined,
  () => 'mounting a tmpfs takes root',
);

/** A test's title, with the reason if it is skipped. */
export const needsDisk = (title: string): string =>
  diskMissing === undefined ? title : `${title} (skipped: ${diskMissing})`;
