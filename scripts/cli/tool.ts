import { Failure, Interrupted, UsageError, isSystemError } from './faults.ts';
import type { Terminal } from './liveLine.ts';

/** What a tool needs from its process. */
export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: Terminal;
  /** The folder that relative paths start at. */
  readonly folder: string;
  /** Ends the run early; the tool sums up what was done. */
  readonly interrupt: AbortSignal;
}

/** A tool: what it does with its arguments, and its exit code. */
export type Tool = (argv: readonly string[], surroundings: Surroundings) => Promise<number>;

/** Errors of the server's rooms whose message is meant for the user. */
const REFUSALS: readonly string[] = ['ModelRefused', 'OnnxRefused'];

const isWrongOption = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;

/** Node's message about an option as one line, without its advice on dashes. */
const inOneLine = (message: string): string =>
  message.replace(/\.\s+To specify a.*/s, '').replace(/\s*\n\s*/g, ' ');

/**
 * Prints the usage if --help is given. Turns errors into one line on stderr and an exit code: 2 for wrong arguments,
 * 1 for another failure, 130 for an interrupt. What else is thrown is a defect, and passes.
 */
export const withUsage =
  (usage: string, tool: Tool): Tool =>
  async (argv, surroundings) => {
    const { stdout, stderr } = surroundings;
    if (argv.includes('--help') || argv.includes('-h')) {
      stdout.write(usage);
      return 0;
    }
    try {
      return await tool(argv, surroundings);
    } catch (error) {
      const { name, message } = error as Error;
      if (error instanceof Interrupted) return 130;
      if (error instanceof UsageError || isWrongOption(error)) {
        stderr.write(`${inOneLine(message)} (see --help)\n`);
        return 2;
      }
      if (!(error instanceof Failure || isSystemError(error) || REFUSALS.includes(name))) throw error;
      stderr.write(`${message}\n`);
      return 1;
    }
  };

/** Runs a tool as a process: a first Ctrl-C ends it in order, a second at once. */
export async function runTool(tool: Tool): Promise<void> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.exitCode = await tool(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    folder: process.cwd(),
    interrupt: interrupt.signal,
  });
}
