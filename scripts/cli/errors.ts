/** What the person at the terminal can understand and mend from its message alone. */
export class BenchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BenchError';
  }
}

/** The command line is wrong. */
export class UsageError extends BenchError {}

/** The run was ended from outside, by Ctrl-C or a signal. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}
