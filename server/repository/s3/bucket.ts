import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { StoredObject } from './objects.ts';
import { DiskFailure, codeOfDisk, explain } from './errors.ts';

/** Attempts of each request, with growing pauses. */
const ATTEMPTS = 5;
/** A request is tried again if it has no connection after the first time, or no byte for the second one. */
const CONNECT_MS = 3000;
const SILENCE_MS = 15_000;
/** Used if neither the environment nor a profile names a region: stores other than Amazon's accept any. */
const ANY_REGION = 'us-east-1';

/** The size of a file in bytes; 0 when there is none. */
export const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** Read access to a bucket. */
export interface Bucket {
  /** All objects under a prefix. @throws {S3Failure} */
  list(prefix: string): Promise<StoredObject[]>;
  /** A small object. @throws {S3Failure} */
  text(object: StoredObject): Promise<string>;
  /** Writes an object into a file, from where an earlier attempt ended. @throws {S3Failure | DiskFailure} */
  download(object: StoredObject, file: string): Promise<void>;
}

async function createClient(): Promise<S3Client> {
  const options = {
    // All stores support it, also those without a host name for each bucket.
    forcePathStyle: true,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: SILENCE_MS },
  };
  const client = new S3Client(options);
  try {
    await client.config.region();
    return client;
  } catch {
    return new S3Client({ ...options, region: ANY_REGION });
  }
}

/** The AWS SDK finds endpoint, region and credentials itself: environment, profiles, roles. */
export async function openBucket(name: string): Promise<Bucket> {
  const client = await createClient();
  const get = async ({ key, etag }: StoredObject, from = 0): Promise<Readable> => {
    const range = from > 0 ? { Range: `bytes=${from}-` } : {};
    // An object that was replaced meanwhile must not be mixed with its predecessor.
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: name, Key: key, IfMatch: etag, ...range }),
    );
    return Body as Readable;
  };
  const write = (body: Readable, file: string): Promise<void> =>
    pipeline(body, createWriteStream(file, { flags: 'a', mode: 0o600 })).catch((error: unknown) => {
      const code = codeOfDisk(error);
      throw code === undefined ? error : new DiskFailure(code, error);
    });
  const guard = async <T>(what: () => Promise<T>): Promise<T> => {
    try {
      return await what();
    } catch (error) {
      throw explain(error, name);
    }
  };

  return {
    list: (prefix) =>
      guard(async () => {
        const objects: StoredObject[] = [];
        for await (const page of paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix })) {
          for (const { Key = '', ETag = '', Size = 0, LastModified } of page.Contents ?? []) {
            objects.push({ key: Key, etag: ETag, size: Size, modified: LastModified?.getTime() ?? 0 });
          }
        }
        return objects;
      }),
    text: (object) =>
      guard(async () => {
        const chunks = await (await get(object)).toArray();
        return Buffer.concat(chunks as Buffer[]).toString('utf8');
      }),
    download: (object, file) =>
      guard(async () => {
        for (let attempt = 1; ; attempt++) {
          let from = await sizeOf(file);
          if (from > object.size) {
            await rm(file);
            from = 0;
          }
          if (from === object.size && object.size > 0) return;
          try {
            await write(await get(object, from), file);
            if ((await sizeOf(file)) === object.size) return;
            throw new Error('the object ended early');
          } catch (error) {
            // The SDK retries a request, but not a body that breaks off: keep the bytes that came.
            const came = (await sizeOf(file)) > from;
            if ((!came && attempt >= 2) || error instanceof DiskFailure) throw error;
          }
        }
      }),
  };
}
