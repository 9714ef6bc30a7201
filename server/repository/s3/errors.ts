/** A request to S3 failed. */
export class S3Failure extends Error {
  /** The store is down or can't be reached: cached versions may be served meanwhile. */
  readonly transient: boolean;
  constructor(message: string, transient: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'S3Failure';
    this.transient = transient;
  }
}

/** An object can't be written to the disk. */
export class DiskFailure extends Error {
  readonly code: string;
  constructor(code: string, cause: unknown) {
    super(code, { cause });
    this.name = 'DiskFailure';
    this.code = code;
  }
}

/** Codes of a failed write. Other file errors have a path; errors of connections have neither. */
const OF_WRITING = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

/** The code of a file error; undefined for an error of the store. */
export function codeOfDisk(error: unknown): string | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  const ofDisk = error instanceof DiskFailure || path !== undefined || OF_WRITING.has(code ?? '');
  return ofDisk ? code : undefined;
}

interface Thrown {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError']);
const WRONG_KEY = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken']);

/** An error of the SDK as one line that says what to do, without keys, endpoints and stacks. */
export function explain(error: unknown, bucket: string): S3Failure | DiskFailure {
  if (error instanceof S3Failure || error instanceof DiskFailure) return error;
  const { name = '', code, message = '', $metadata = {} } = error as Thrown;
  const status = $metadata.httpStatusCode;
  const failure = (text: string, transient = false): S3Failure =>
    new S3Failure(`s3://${bucket}: ${text}`, transient, error);
  if (NO_CREDENTIALS.has(name))
    return failure(
      'no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role',
    );
  if (WRONG_KEY.has(name)) return failure(`the credentials were refused (${name})`);
  if (name === 'NoSuchBucket') return failure('there is no such bucket');
  if (status === 403) return failure('access is denied; reading needs s3:ListBucket and s3:GetObject');
  if (name === 'NoSuchKey' || status === 404 || status === 412)
    return failure('an object was replaced or removed while it was read', true);
  if (status !== undefined && status < 500 && status !== 429)
    return failure(`the store answers ${status} (${name})`);
  return failure(`the store cannot be reached (${code ?? (name || message.split('\n', 1)[0])})`, true);
}
