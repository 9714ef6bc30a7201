import { spawnSync } from 'node:child_process';

/** Runs a program of the system; returns why it failed. */
export function run(command: string, ...args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return error?.message ?? (status === 0 ? undefined : stderr.trim());
}
