import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Listing } from '../listing.ts';
import { codeOfDisk } from './errors.ts';

/** Holds the last listing, beside the folders of the fetched versions. */
const LISTING_FILE = 'listing.json';

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The last listing of a bucket, kept in the cache for a start without S3. */
export interface KnownListing {
  /** Replaces it, and at the first time removes cached versions that it lacks. A failure is logged, never thrown. */
  write(listing: Listing): Promise<void>;
  /** Its versions that were fetched; undefined if there are none. */
  read(): Promise<Listing | undefined>;
}

/** @param folder the bucket's folder in the cache */
export function createKnownListing(folder: string, log: Logger): KnownListing {
  let tidied = false;
  let noted = true;

  /** Removes what the repository no longer holds. Only at the start: later, a process may still serve it. */
  const tidy = async (listing: Listing): Promise<void> => {
    if (tidied) return;
    tidied = true;
    const known = new Set(
      listing.candidates.flatMap(({ fingerprint }) => [fingerprint, `${fingerprint}.part`]),
    );
    const entries = (await readdir(folder)).filter((entry) => entry !== LISTING_FILE && !known.has(entry));
    for (const entry of entries) await rm(join(folder, entry), { recursive: true, force: true });
  };

  const write = async (listing: Listing): Promise<void> => {
    const fresh = join(folder, `${LISTING_FILE}.new`);
    try {
      await tidy(listing);
      await writeFile(fresh, JSON.stringify(listing));
      await rename(fresh, join(folder, LISTING_FILE));
      noted = true;
    } catch (error) {
      const reason = codeOfDisk(error) ?? (error as Error).message;
      if (noted)
        log.warn(
          { reason },
          'MODEL_CACHE cannot be written: a start without S3 would serve what it knew before',
        );
      noted = false;
    }
  };

  const read = async (): Promise<Listing | undefined> => {
    const text = await readFile(join(folder, LISTING_FILE), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const listing = JSON.parse(text) as Listing;
    const cached = await Promise.all(listing.candidates.map((candidate) => exists(candidate.folder)));
    const candidates = listing.candidates.filter((_, at) => cached[at]);
    return candidates.length === 0 ? undefined : { ...listing, candidates };
  };

  return { write, read };
}
