import { runProgram } from '../../../server/testing/runProgram.ts';
import { HOME } from '../../../server/platform/install.ts';

/** Runs a docker command that has to succeed; returns its stdout. */
export type Docker = (
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  ms?: number,
) => Promise<string>;

export const dockerAt =
  (host: string): Docker =>
  async (args, env = {}, ms = 60_000) =>
    (await runProgram('docker', args, { cwd: HOME, ms, env: { ...env, DOCKER_HOST: host } })).trim();

export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
