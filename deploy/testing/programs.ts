import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { eventually, withDeadline } from '../../server/testing/withDeadline.ts';

const PACKAGES = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  'redis-server': 'redis-server',
} as const;

type ProgramName = keyof typeof PACKAGES;

/** A test's title, with the reason if it can't run here. */
export function needs(
  title: string,
  ...names: readonly ProgramName[]
): { readonly title: string; readonly missing: boolean } {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error !== undefined);
  if (missing.length === 0) return { title, missing: false };
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))].join(' ');
  return {
    title: `${title} (skipped: ${missing.join(', ')} missing; apt-get install ${packages})`,
    missing: true,
  };
}

/** A program that runs beside a test. */
export interface Running {
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The signal that ends it; SIGKILL by default, which nginx's workers would survive. */
  readonly signal?: NodeJS.Signals;
  /** Whether it is ready. */
  readonly ready: () => Promise<boolean>;
}

/** Starts a program and waits until it is ready. Throws with its output if it ends before. */
export async function startProgram(
  command: string,
  args: readonly string[],
  { cwd, env = {}, signal = 'SIGKILL', ready }: StartOptions,
): Promise<Running> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const ended = once(child, 'close');
  // A program that is missing rejects before its end is awaited.
  ended.catch((error: unknown) => (said += String(error)));
  const stop = async (): Promise<void> => {
    child.kill(signal);
    await withDeadline(`the end of ${command}`, ended, 20_000);
  };
  try {
    await eventually(
      `${command} is there`,
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
        return ready();
      },
      60_000,
    );
  } catch (error) {
    await stop();
    throw new Error(`${command}: ${(error as Error).message}\n${said.slice(-3000)}`, { cause: error });
  }
  return { stop };
}

/** Whether a GET is answered 200. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
