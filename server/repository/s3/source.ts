import { rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeFolder } from '../../platform/makeFolder.ts';
import type { Candidate, Listing } from '../listing.ts';
import { digestOf } from '../listing.ts';
import { ModelRefused, NotFetched } from '../../model/refused.ts';
import type { Preferences } from '../preferences.ts';
import { parsePreferences } from '../preferences.ts';
import type { BucketPlace } from '../../settings/s3Url.ts';
import type { Source } from '../source.ts';
import type { Bucket } from './bucket.ts';
import { openBucket, sizeOf } from './bucket.ts';
import { DiskFailure, S3Failure, codeOfDisk } from './errors.ts';
import { createKnownListing, exists } from './knownListing.ts';
import type { ReadKeys, Stored, StoredObject } from './objects.ts';
import { readRepositoryKeys, readRunKeys } from './objects.ts';

/** A repository in a bucket, or the runs of an MLflow experiment in one. */
export type Place =
  BucketPlace | { readonly bucket: string; readonly experiment: string; readonly name: string };

export interface S3Options {
  readonly place: Place;
  /** Folder of the cache; made when it isn't there. */
  readonly cache: string;
  /** Models may come by request: a place without a version is no fault. */
  readonly mayBeEmpty?: boolean;
  readonly log: Logger;
}

const refused = (error: unknown): unknown =>
  error instanceof S3Failure ? new ModelRefused('repository', error.message) : error;

/**
 * Models in S3. Each content of a version is fetched once, into a folder of the cache that is named by its digest; a
 * broken download continues where it ended. At a start while the store is down, the cached versions are served.
 */
export async function createS3Source({ place, cache, mayBeEmpty = false, log }: S3Options): Promise<Source> {
  const prefix = 'experiment' in place ? `${place.experiment}/` : place.prefix;
  const read: ReadKeys =
    'experiment' in place ? readRunKeys(place.experiment, place.name) : readRepositoryKeys(prefix);
  const folder = join(cache, digestOf(JSON.stringify(place)));
  const bucket: Bucket = await openBucket(place.bucket);
  const objects = new Map<string, ReadonlyMap<string, StoredObject>>();
  const fetching = new Map<string, Promise<void>>();
  let preferences: { etag: string; value: Preferences } | undefined;

  await makeFolder(folder, 0o700).catch((error: NodeJS.ErrnoException) => {
    throw new ModelRefused(
      'repository',
      `MODEL_CACHE ${cache} cannot be written (${error.code ?? 'unknown error'})`,
    );
  });

  const known = createKnownListing(folder, log);

  const readPreferences = async ({ preferences: object }: Stored): Promise<Preferences> => {
    if (!object) return {};
    if (preferences?.etag !== object.etag)
      preferences = { etag: object.etag, value: parsePreferences(await bucket.text(object)) };
    return preferences.value;
  };

  const online = async (): Promise<Listing> => {
    const stored = read(await bucket.list(prefix), folder);
    if (stored.versions.length === 0 && !mayBeEmpty) {
      const wanted =
        'experiment' in place ? `${prefix}<run>/artifacts/…/model.onnx` : `${prefix}<name>/<version>/`;
      throw new ModelRefused('repository', `s3://${place.bucket} holds no ${wanted}`);
    }
    objects.clear();
    for (const version of stored.versions) objects.set(version.candidate.fingerprint, version.objects);
    const candidates = stored.versions.map(({ candidate }) => candidate);
    const listing = { candidates, preferences: await readPreferences(stored), strays: stored.strays ?? [] };
    await known.write(listing);
    return listing;
  };

  /** A full disk would also fail nginx's bodies and the logs. @throws {DiskFailure} */
  const requireRoom = async (part: string, files: ReadonlyMap<string, StoredObject>): Promise<void> => {
    const { bavail, bsize } = await statfs(part);
    let missing = 0;
    for (const [file, { size }] of files) missing += size - (await sizeOf(join(part, file)));
    if (missing > bavail * bsize) throw new DiskFailure('ENOSPC', undefined);
  };

  const download = async ({ id, fingerprint, folder: target }: Candidate): Promise<void> => {
    if (await exists(target)) return;
    const files = objects.get(fingerprint);
    if (!files) throw new ModelRefused(id, 'it is neither in the cache nor in the bucket any more');
    const part = `${target}.part`;
    const start = performance.now();
    try {
      await makeFolder(part, 0o700);
      await requireRoom(part, files);
      for (const [file, object] of files) await bucket.download(object, join(part, file));
      await rename(part, target);
    } catch (error) {
      const code = codeOfDisk(error);
      // Keep the files that came; other versions may be fetched.
      if (error instanceof S3Failure) throw new NotFetched(id, error.message);
      if (code === undefined) throw error;
      // Free the space for nginx's bodies and the logs.
      await rm(part, { recursive: true, force: true }).catch(() => undefined);
      throw new NotFetched(
        id,
        `MODEL_CACHE ${code === 'ENOSPC' ? 'has no room for it' : 'cannot be written'} (${code})`,
      );
    }
    const bytes = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    log.info({ model: id, bytes, seconds: (performance.now() - start) / 1000 }, 'model fetched');
  };

  let served = false;
  return {
    list: async () => {
      try {
        const listing = await online();
        served = true;
        return listing;
      } catch (error) {
        // After the start, an outage changes nothing, so the cache isn't needed.
        const cached =
          !served && error instanceof S3Failure && error.transient ? await known.read() : undefined;
        if (!cached) throw refused(error);
        log.warn({ reason: (error as Error).message }, 'S3 is down: serving from the cache');
        served = true;
        return cached;
      }
    },
    fetch: async (candidate) => {
      const { fingerprint } = candidate;
      const running = fetching.get(fingerprint) ?? download(candidate);
      fetching.set(fingerprint, running);
      try {
        await running;
      } catch (error) {
        throw refused(error);
      } finally {
        fetching.delete(fingerprint);
      }
    },
  };
}
