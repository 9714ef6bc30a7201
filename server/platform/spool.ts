import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes on disk that belong to one request. The file is unlinked at once, so that not even a crash leaves it behind. */
export interface Spool {
  /** Written so far. */
  readonly bytes: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Fills the buffer from this position. @returns the bytes read */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Frees the disk. May be called twice. */
  close(): Promise<void>;
}

/** @param folder on whose file system the bytes are stored */
export async function openSpool(folder: string): Promise<Spool> {
  const path = join(folder, `spool-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  let bytes = 0;
  let isOpen = true;
  return {
    get bytes() {
      return bytes;
    },
    append: async (chunk) => {
      await handle.appendFile(chunk);
      bytes += chunk.byteLength;
    },
    read: async (buffer, position) => {
      let filled = 0;
      while (filled < buffer.byteLength) {
        const { bytesRead } = await handle.read(
          buffer,
          filled,
          buffer.byteLength - filled,
          position + filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      await handle.close();
    },
  };
}

/** Bytes that are parsed as text at once: they block the event loop for one or two milliseconds. */
const PIECE_BYTES = 64 * 1024;

/** The bytes of a spool in pieces. A piece is valid until the next one is read. */
export async function* pieces(spool: Spool, pieceBytes = PIECE_BYTES): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(pieceBytes, spool.bytes));
  for (let position = 0; position < spool.bytes;) {
    const read = await spool.read(buffer, position);
    if (read === 0) return;
    position += read;
    yield buffer.subarray(0, read);
  }
}
