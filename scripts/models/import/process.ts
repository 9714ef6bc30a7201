import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure, Interrupted } from '../../cli/faults.ts';
import type { Terminal } from '../../cli/liveLine.ts';

export interface ProcessOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly interrupt: AbortSignal;
  /** Where its stderr goes at once; without one it is only kept. */
  readonly stderr?: Terminal;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @throws {Failure} when it can't be started
 * @throws {Interrupted}
 */
export async function runProcess(
  program: string,
  args: readonly string[],
  { folder, env, interrupt, stderr }: ProcessOptions,
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: interrupt,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    stderr?.write(text);
  });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (interrupt.aborted) throw new Interrupted();
    if (code === null) throw new Failure(`${program} was ended by ${signal ?? 'a signal'}`);
    return { code, stdout: out, stderr: err };
  } catch (error) {
    if (interrupt.aborted) throw new Interrupted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES')
      throw new Failure(
        `${program} cannot be started (${code}): Python 3.11 or newer is needed, see --python`,
      );
    throw error;
  }
}
