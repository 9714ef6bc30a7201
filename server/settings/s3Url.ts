/** A repository in a bucket; the prefix is empty or ends with a slash. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: string;
}

/** Reads `s3://bucket/some/prefix`; undefined for anything else. */
export function parseS3Url(url: string): BucketPlace | undefined {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/.exec(url);
  if (!match) return undefined;
  const path = (match[2] ?? '').replace(/^\/+|\/+$/g, '');
  return { bucket: match[1] as string, prefix: path === '' ? '' : `${path}/` };
}
