import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './makeFolder.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { withDeadline } from '../testing/withDeadline.ts';

it('makes a folder and its parents, with this mode', async () => {
  await withTemporaryFolder(async (home) => {
    const folder = join(home, 'a/b/c');
    await Promise.all([makeFolder(folder, 0o700), makeFolder(folder, 0o700)]);
    for (const made of ['a', 'a/b', 'a/b/c']) expect(statSync(join(home, made)).mode & 0o777).toBe(0o700);
    await makeFolder(folder);
  });
});

it.each([
  ['a file is in the way', (home: string) => join(home, 'file/a/b'), /^(?:EEXIST|ENOTDIR): /],
  ['a file has its name', (home: string) => join(home, 'file'), /^EEXIST: /],
  ['a link that leads nowhere has its name', (home: string) => join(home, 'link'), /^ENOENT: /],
  ['the file system makes none', () => '/proc/none/a', /^(?:ENOENT|EACCES): .*'\/proc\/none'$/],
])('throws the reason in one line: %s', async (_, place, reason) => {
  await withTemporaryFolder(async (home) => {
    writeFileSync(join(home, 'file'), '');
    symlinkSync(join(home, 'nowhere'), join(home, 'link'));
    await expect(withDeadline('a folder', makeFolder(place(home)), 10_000)).rejects.toThrow(reason);
  });
});
