import { UsageError } from './faults.ts';

/** What a tool needs from its process. */
export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** The folder that relative paths start at. */
  readonly folder: string;
  /** Ends the run early; what was done is summed up. */
  readonly interrupt: AbortSignal;
}

/** A tool: what it does with its arguments, and its exit code. */
export type Tool = (argv: readonly string[], surroundings: Surroundings) => Promise<number>;

/** Prints the usage if it is asked for, and turns wrong arguments into exit code 2. */
export const withUsage =
  (usage: string, tool: Tool): Tool =>
  async (argv, surroundings) => {
    if (argv.includes('--help') || argv.includes('-h')) {
      surroundings.stdout.write(usage);
      return 0;
    }
    try {
      return await tool(argv, surroundings);
    } catch (error) {
      const wrongOption = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
      if (!(error instanceof UsageError) && !wrongOption) throw error;
      surroundings.stderr.write(`${(error as Error).message}\nTry --help.\n`);
      return 2;
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
    // npm runs scripts in the project folder and says where it was called.
    folder: process.env['INIT_CWD'] ?? process.cwd(),
    interrupt: interrupt.signal,
  });
}
