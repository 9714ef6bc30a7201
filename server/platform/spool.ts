import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes of one request, which are freed at its end: the first ones in memory, as far as that goes, the rest on disk. */
export interface Spool {
  /** Written so far. */
  readonly bytes: number;
  /** @param chunk is not changed afterwards */
  append(chunk: Uint8Array): Promise<void>;
  /** Fills the buffer from this position, in a later turn of the event loop: others have theirs. @returns the bytes read */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Nothing more is appended: after the error, if there is one. */
  end(error?: Error): void;
  /** Waits until there are so many bytes, or no more to come. @throws {Error} the one that ended it */
  written(bytes: number): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Bytes that the spools of a process hold in memory together: a file of 100,000 rows and its answers. */
export const MEMORY_BYTES = 16 * 2 ** 20;
let memoryBytes = 0;

/** Chunks of a spool that are in memory. */
class Chunks {
  readonly #chunks: Uint8Array[] = [];
  /** Where each begins. */
  readonly #starts: number[] = [];
  bytes = 0;
  /** Of the chunk that was read last: most reads go on behind it. */
  #last = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#starts.push(this.bytes);
    this.bytes += chunk.byteLength;
    memoryBytes += chunk.byteLength;
  }

  /** Copies bytes from this position on. @returns how many */
  read(to: Uint8Array, position: number): number {
    let at = (this.#starts[this.#last] ?? 0) <= position ? this.#last : 0;
    let filled = 0;
    for (; at < this.#chunks.length && filled < to.byteLength; at++) {
      const chunk = this.#chunks[at] as Uint8Array;
      const from = position + filled - (this.#starts[at] as number);
      if (from >= chunk.byteLength) continue;
      const part = chunk.subarray(from, from + to.byteLength - filled);
      to.set(part, filled);
      filled += part.byteLength;
      this.#last = at;
    }
    return filled;
  }

  free(): void {
    memoryBytes -= this.bytes;
    this.#chunks.length = this.#starts.length = this.#last = this.bytes = 0;
  }
}

const closed = (): Error => new Error('the spool is closed');

/** Makes a file that is unlinked at once, so that not even a crash leaves it behind. */
async function openFile(folder: string): Promise<FileHandle> {
  const path = join(folder, `spool-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

/**
 * Makes an empty spool.
 *
 * @param folder on whose file system bytes are stored that have no room in memory
 */
export function openSpool(folder: string): Spool {
  const chunks = new Chunks();
  let handle: FileHandle | undefined;
  let bytes = 0;
  let isOpen = true;
  let ended: { readonly error?: Error | undefined } | undefined;
  /** Its one reader waits. */
  let wake = (): void => {};
  const openOnce = async (): Promise<FileHandle> => {
    if (handle) return handle;
    const opened = await openFile(folder);
    if (isOpen) return (handle = opened);
    await opened.close();
    throw closed();
  };
  const readFile = async (from: FileHandle, buffer: Uint8Array, position: number): Promise<number> => {
    let filled = 0;
    while (filled < buffer.byteLength) {
      const { bytesRead } = await from.read(buffer, filled, buffer.byteLength - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  };
  return {
    get bytes() {
      return bytes;
    },
    append: async (chunk) => {
      if (!isOpen) throw closed();
      if (handle === undefined && memoryBytes + chunk.byteLength <= MEMORY_BYTES) chunks.push(chunk);
      else await (await openOnce()).appendFile(chunk);
      bytes += chunk.byteLength;
      wake();
    },
    end: (error) => {
      ended ??= { error };
      wake();
    },
    written: async (wanted) => {
      while (bytes < wanted && ended === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (ended?.error) throw ended.error;
    },
    read: async (buffer, position) => {
      const filled = chunks.read(buffer, position);
      if (filled > 0) await nextTurn();
      if (handle === undefined || filled === buffer.byteLength) return filled;
      return filled + (await readFile(handle, buffer.subarray(filled), position + filled - chunks.bytes));
    },
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      ended ??= { error: closed() };
      wake();
      chunks.free();
      await handle?.close();
    },
  };
}

/** Bytes that are parsed as text at once: they block the event loop for one or two milliseconds. */
const PIECE_BYTES = 64 * 1024;

/**
 * The bytes of a spool in pieces, as they come, until it has ended. A piece is valid until the next one is read.
 *
 * @throws {Error} the one that ended it
 */
export async function* pieces(spool: Spool, pieceBytes = PIECE_BYTES): AsyncGenerator<Uint8Array> {
  await spool.written(pieceBytes);
  const buffer = new Uint8Array(Math.min(pieceBytes, spool.bytes));
  for (let position = 0; position < spool.bytes;) {
    const read = await spool.read(buffer, position);
    if (read === 0) return;
    position += read;
    yield buffer.subarray(0, read);
    await spool.written(position + pieceBytes);
  }
}
