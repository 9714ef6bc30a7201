/** What a person asked for that can't be: told on stderr, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Why the load test didn't begin: told on stderr, exit code 1. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted';
}

/** The words of anything thrown; of a wrapped one (fetch, AggregateError) the cause's. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message === '' ? error.name : error.message;
}
