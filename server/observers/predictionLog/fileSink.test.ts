import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskMissing, needsDisk, withSmallDisk } from '../../testing/smallDisk.ts';
import { withTemporaryFolder } from '../../testing/temporaryFolder.ts';
import { createFileSink } from './fileSink.ts';

const line = (text: string) => ({ model: 'tiny', text });
const filesIn = (folder: string): string[] => readdirSync(folder).sort();
const textOf = (folder: string): string =>
  filesIn(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');

const options = { fileBytes: 1000, maxFiles: 3, pid: 7 };

describe('files of the log', () => {
  it('are private and of bounded size, and the oldest in the folder are removed', async () => {
    await withTemporaryFolder(async (home) => {
      const folder = join(home, 'deep', 'log');
      const sink = createFileSink({ folder, ...options });
      await sink.open();
      mkdirSync(join(folder, 'other'));
      writeFileSync(join(folder, 'other.jsonl'), '');
      // Files of processes that ended long ago.
      for (const day of ['01', '02', '03', '04']) {
        const old = join(folder, `predictions-202601${day}T000000000Z-host-1.jsonl`);
        writeFileSync(old, '{}\n');
        utimesSync(old, new Date(`2026-01-${day}`), new Date(`2026-01-${day}`));
      }
      const written: string[] = [];
      for (let at = 0; at < 12; at++) {
        written.push(`{"n":${at},"fill":"${'x'.repeat(190)}"}`);
        expect(await sink.write([line(written.at(-1) as string)])).toBe(0);
      }
      await sink.close();
      const files = filesIn(folder).filter((name) => name.endsWith('-7.jsonl'));
      expect(files).toHaveLength(3);
      for (const name of files) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      expect(files.map((name) => readFileSync(join(folder, name), 'utf8')).join('')).toBe(
        written.map((text) => `${text}\n`).join(''),
      );
      expect(filesIn(folder)).toEqual(['other', 'other.jsonl', ...files].sort());
    });
  });

  it('are removed however young, except for the newest one of a live process', async () => {
    await withTemporaryFolder(async (folder) => {
      const put = (time: string, pid: number, secondsAgo: number): string => {
        const name = `predictions-${time}-host-${pid}.jsonl`;
        const at = new Date(Date.now() - secondsAgo * 1000);
        writeFileSync(join(folder, name), '{}\n');
        utimesSync(join(folder, name), at, at);
        return name;
      };
      put('20260101T000000000Z', 8, 31);
      const quiet = put('20260101T000001000Z', 8, 30);
      put('20260101T000000000Z', 6, 1000);
      const fast = Array.from({ length: 9 }, (_, at) => put(`2026010${at + 1}T000000000Z`, 9, 20 - at));
      const sink = createFileSink({ folder, ...options });
      await sink.write([line('{"n":0}')]);
      await sink.close();
      const own = filesIn(folder).filter((name) => name.endsWith('-7.jsonl'));
      expect(own).toHaveLength(1);
      expect(filesIn(folder)).toEqual([quiet, ...fast.slice(-2), ...own].sort());
    });
  });

  it('that were removed are created again', async () => {
    await withTemporaryFolder(async (folder) => {
      const sink = createFileSink({ folder, ...options });
      await sink.open();
      await sink.write([line('{"n":0}')]);
      for (const name of filesIn(folder)) rmSync(join(folder, name));
      await sink.write([line('{"n":1}')]);
      await sink.close();
      expect(textOf(folder)).toBe('{"n":1}\n');
    });
  });

  it('cannot be in a path that is a file, or where no folder can be made', async () => {
    await withTemporaryFolder(async (home) => {
      writeFileSync(join(home, 'log'), '');
      const open = (folder: string): Promise<void> => createFileSink({ folder, ...options }).open();
      await expect(open(join(home, 'log'))).rejects.toMatchObject({
        reason: 'unreachable',
        message: 'EEXIST',
      });
      await expect(open('/proc/none')).rejects.toMatchObject({ reason: 'unreachable' });
    });
  });

  it.skipIf(diskMissing)(
    needsDisk('on a full disk hold whole records only, and go on when there is room'),
    async () => {
      await withSmallDisk(64, async (folder) => {
        const sink = createFileSink({ folder, fileBytes: 1e6, maxFiles: 3, pid: 7 });
        await sink.open();
        const filler = join(folder, 'filler');
        writeFileSync(filler, 'x'.repeat(40_000));
        const batch = Array.from({ length: 100 }, (_, n) => line(`{"n":${n},"fill":"${'y'.repeat(90)}"}`));
        let written = 0;
        const fill = async (): Promise<void> => {
          for (; written < 10; written++) await sink.write(batch);
        };
        await expect(fill()).rejects.toMatchObject({ reason: 'disk_full', message: 'ENOSPC' });
        expect(written).toBeGreaterThan(0);
        const whole = batch.map(({ text }) => `${text}\n`).join('');
        expect(textOf(folder).replace(/^x+/, '')).toBe(whole.repeat(written));
        rmSync(filler);
        await sink.write(batch);
        await sink.close();
        expect(textOf(folder)).toBe(whole.repeat(written + 1));
      });
    },
  );
});
