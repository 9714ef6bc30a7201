import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withDeadline } from './withDeadline.ts';

export interface RunOptions {
  readonly cwd: string;
  readonly ms?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end and returns its stdout. A failure is an error with all its output. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, ms = 60_000, env = {} }: RunOptions,
): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    const [code] = (await withDeadline(`the end of ${command}`, once(child, 'close'), ms)) as [number | null];
    if (code !== 0)
      throw new Error(`${command} ended with ${code}:\n${stdout.slice(-6000)}\n${stderr.slice(-3000)}`);
    return stdout;
  } finally {
    child.kill();
  }
}
