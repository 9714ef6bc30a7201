/** What the user can understand and mend from its message alone, which is one line: exit code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
}

/** The command line is wrong: exit code 2. */
export class UsageError extends Failure {
  override readonly name = 'UsageError';
}

/** The run was ended from outside, by Ctrl-C or a signal: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('interrupted');
  }
}

/** What the system refused (a missing file, a full disk, a missing right): its message is one line. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;

/** The words of anything thrown; of a wrapped one (fetch, AggregateError) the cause's. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message === '' ? error.name : error.message;
}
