import type { FileHandle } from 'node:fs/promises';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { makeFolder } from '../../platform/makeFolder.ts';
import type { Line, Sink } from './sink.ts';
import { SinkFailure } from './sink.ts';

/** The name of a file of the log. */
export const FILE_NAME = /^predictions-.*\.jsonl$/;

/** The host and process that write a file. */
const ownerOf = (path: string): string => /^predictions-[^-]*-(.*)$/.exec(basename(path))?.[1] ?? path;

/** A process whose newest file was written to within this time is taken to be alive. */
const LIVE_MS = 60_000;
const FULL = new Set(['ENOSPC', 'EDQUOT']);

export interface FileSinkOptions {
  readonly folder: string;
  /** Size at which the next file begins. */
  readonly fileBytes: number;
  /** Files to keep in the folder, of all processes; the oldest are removed. */
  readonly maxFiles: number;
  /** Of this process. */
  readonly pid: number;
}

interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** Size of its complete records. */
  bytes: number;
}

/** JSON lines. Each process writes files of its own, with the time of their beginning in their names. */
export function createFileSink({ folder, fileBytes, maxFiles, pid }: FileSinkOptions): Sink {
  let file: OpenFile | undefined;

  const begin = async (): Promise<OpenFile> => {
    const time = new Date().toISOString().replace(/[-:.]/g, '');
    const path = join(folder, `predictions-${time}-${hostname()}-${pid}.jsonl`);
    // Readable by the owner only: requests may hold personal data.
    return { path, handle: await open(path, 'ax', 0o600), bytes: 0 };
  };
  const end = async (): Promise<void> => {
    const ended = file;
    file = undefined;
    await ended?.handle.close();
  };
  const prune = async (): Promise<void> => {
    const paths = (await readdir(folder))
      .filter((name) => FILE_NAME.test(name))
      .map((name) => join(folder, name));
    const found = await Promise.all(
      paths.map((path) =>
        stat(path).then(
          ({ mtimeMs }) => [{ path, mtimeMs }],
          // Another process removed it.
          () => [],
        ),
      ),
    );
    const owners = new Set<string>();
    const newestFirst = found
      .flat()
      .sort((a, b) => b.mtimeMs - a.mtimeMs || (a.path < b.path ? 1 : -1))
      .map(({ path, mtimeMs }) => {
        const owner = ownerOf(path);
        const live = !owners.has(owner) && Date.now() - mtimeMs <= LIVE_MS;
        owners.add(owner);
        return { path, live };
      });
    for (const { path, live } of newestFirst.slice(maxFiles))
      if (path !== file?.path && !live) await rm(path, { force: true });
  };
  /** The file to write to: a new one if the current file is full or was removed. */
  const current = async (): Promise<OpenFile> => {
    if (file && (file.bytes >= fileBytes || (await file.handle.stat()).nlink === 0)) await end();
    if (file) return file;
    file = await begin();
    await prune();
    return file;
  };
  return {
    open: async () => {
      await makeFolder(folder, 0o700).catch((error: unknown) => {
        throw new SinkFailure('unreachable', error);
      });
    },
    write: async (lines) => {
      try {
        const { handle } = await current();
        const text = Buffer.from(lines.map((line: Line) => `${line.text}\n`).join(''));
        await handle.appendFile(text);
        (file as OpenFile).bytes += text.length;
        return 0;
      } catch (error) {
        // Some of the records may be in the file: remove them, since all are written again.
        await file?.handle.truncate(file.bytes).catch(() => undefined);
        const full = FULL.has((error as NodeJS.ErrnoException).code ?? '');
        throw new SinkFailure(full ? 'disk_full' : 'unreachable', error);
      }
    },
    close: end,
  };
}
