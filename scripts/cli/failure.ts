/** What a user has to be told in one line: no stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** The tool was called in a way that it doesn't understand. */
export class WrongArguments extends Failure {}

/** What the system refused: a file that isn't there, a full disk, a right that is missing. Its message is one line. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;

/** Runs a tool: what it prints goes to stdout, a failure to stderr, with exit code 1 (2 for wrong arguments). */
export async function runTool(
  usage: string,
  run: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return;
  }
  try {
    process.stdout.write(await run(args));
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS') || error instanceof WrongArguments) {
      process.stderr.write(`${message}\n${usage}`);
      process.exitCode = 2;
    } else if (['Failure', 'ModelRefused', 'OnnxRefused'].includes(name) || isSystemError(error)) {
      process.stderr.write(`${message}\n`);
      process.exitCode = 1;
    } else throw error;
  }
}
