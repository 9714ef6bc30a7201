import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import type { Spool } from './spool.ts';
import { MEMORY_BYTES, openSpool, pieces } from './spool.ts';

const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 31 + seed * 7 + (at >> 8)) % 251);

/** The spools that this process has on disk. */
const onDisk = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('spool-');
    } catch {
      return false; // Closed in between.
    }
  }).length;

async function readAll(spool: Spool, pieceBytes: number): Promise<Buffer> {
  const found: Buffer[] = [];
  for await (const piece of pieces(spool, pieceBytes)) found.push(Buffer.from(piece));
  return Buffer.concat(found);
}

/** Runs with a spool that leaves room for so many bytes in memory. */
const withRoom = (room: number, run: (folder: string) => Promise<void>): Promise<void> =>
  withTemporaryFolder(async (folder) => {
    const other = openSpool(folder);
    await other.append(new Uint8Array(MEMORY_BYTES - room));
    try {
      await run(folder);
    } finally {
      await other.close();
    }
  });

describe('a spool', () => {
  it('gives back what was written, in memory and on disk, in any pieces and from any position', async () => {
    const lengths = fc.array(fc.nat(3000), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 5000 }), fc.nat(20_000), (all, size, room) =>
        withRoom(room, async (folder) => {
          const spool = openSpool(folder);
          const chunks = all.map(bytesOf);
          for (const chunk of chunks) await spool.append(chunk);
          spool.end();
          const whole = Buffer.concat(chunks);
          expect(spool.bytes).toBe(whole.length);
          expect((await readAll(spool, size)).equals(whole)).toBe(true);
          for (const position of [0, whole.length >> 1, Math.max(0, whole.length - 1), whole.length]) {
            const buffer = new Uint8Array(size);
            const read = await spool.read(buffer, position);
            expect(Buffer.from(buffer.subarray(0, read))).toEqual(whole.subarray(position, position + size));
          }
          await spool.close();
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('makes a file only where memory has no room, and shares this memory with all others', () =>
    withRoom(100, async (folder) => {
      const before = onDisk();
      const spool = openSpool(folder);
      await spool.append(bytesOf(60, 0));
      expect(onDisk()).toBe(before);
      await spool.append(bytesOf(60, 1));
      await spool.append(bytesOf(10, 2));
      spool.end();
      expect(onDisk()).toBe(before + 1);
      expect(
        (await readAll(spool, 7)).equals(Buffer.concat([bytesOf(60, 0), bytesOf(60, 1), bytesOf(10, 2)])),
      ).toBe(true);
      expect(readdirSync(folder)).toEqual([]);
      await spool.close();
      await spool.close();
      expect(onDisk()).toBe(before);
      // The room is free again.
      const next = openSpool(folder);
      await next.append(bytesOf(100, 3));
      expect(onDisk()).toBe(before);
      await next.close();
    }));

  it('is read while it is written, in pieces of full length', async () => {
    const spool = openSpool('/nowhere');
    const lengths: number[] = [];
    const read = (async () => {
      for await (const piece of pieces(spool, 100)) lengths.push(piece.length);
    })();
    for (let at = 0; at < 35; at++) {
      await spool.append(bytesOf(10, at));
      await nextTurn();
      // The next piece waits for all of its bytes.
      expect(lengths.length).toBeLessThanOrEqual(spool.bytes / 100);
    }
    spool.end();
    await read;
    expect(lengths).toEqual([100, 100, 100, 50]);
    await spool.close();
  });

  it.each(['an error', 'its end'])('lets its reader go with %s', async (end) => {
    const spool = openSpool('/nowhere');
    await spool.append(bytesOf(10, 0));
    const read = readAll(spool, 100);
    await nextTurn();
    if (end === 'an error') spool.end(new Error('gone'));
    await spool.close();
    await expect(read).rejects.toThrow(end === 'an error' ? 'gone' : 'closed');
  });

  it('takes nothing once it is closed', () =>
    withRoom(0, async (folder) => {
      const before = onDisk();
      const spool = openSpool(folder);
      const late = spool.append(bytesOf(10, 0));
      await spool.close();
      await expect(late).rejects.toThrow('closed');
      await expect(spool.append(bytesOf(1, 0))).rejects.toThrow('closed');
      expect(onDisk()).toBe(before);
    }));

  it('gives other work a turn between the pieces that it holds in memory', async () => {
    const spool = openSpool('/nowhere');
    await spool.append(bytesOf(5, 0));
    let turns = 0;
    const count = (): void => {
      turns++;
      if (turns < 100) setImmediate(count);
    };
    setImmediate(count);
    spool.end();
    await readAll(spool, 1);
    expect(turns).toBeGreaterThanOrEqual(4);
    await spool.close();
  });
});
