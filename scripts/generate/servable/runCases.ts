import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHome } from '../../../server/platform/install.ts';
import { Failure } from '../../cli/faults.ts';
import type { Engine } from './serve.ts';
import { serve } from './serve.ts';

/** How a case ended: served by an engine, or why it isn't. */
export interface Outcome {
  readonly group: string;
  readonly name: string;
  /** Such as "two classes, texts": outcomes of one name are one row of the table. */
  readonly variant: string;
  readonly engine?: Engine;
  readonly refused?: string;
  /** What must never happen: a traceback, a refusal on several lines, a partly written folder, other answers. */
  readonly fault?: string;
}

/** Of fuzz.py. */
interface Tried extends Pick<Outcome, 'group' | 'name' | 'variant'> {
  readonly at: number;
  readonly exported?: number;
  readonly refused?: string;
  readonly partly?: boolean;
  readonly unfit?: string;
  readonly crashed?: string;
}

function faultOf({ refused, partly, unfit, crashed }: Tried): string | undefined {
  if (crashed !== undefined) return `ends in a traceback: ${crashed.trim().split('\n').at(-1) ?? ''}`;
  if (unfit !== undefined) return `the case can't be fitted: ${unfit}`;
  if (partly === true) return 'is refused, and leaves a folder';
  if (refused !== undefined && (refused.includes('\n') || refused.length > 700))
    return 'is refused in more than a sentence';
  return undefined;
}

async function outcomeOf(tried: Tried, folder: string): Promise<Outcome> {
  const { group, name, variant, refused } = tried;
  const fault = faultOf(tried);
  if (fault !== undefined) return { group, name, variant, fault };
  if (refused !== undefined) return { group, name, variant, refused };
  try {
    const { engine, differs } = await serve(join(folder, String(tried.at)));
    if (differs === undefined) return { group, name, variant, engine };
    return {
      group,
      name,
      variant,
      fault: `held-out row ${differs} isn't answered as the library answers it`,
    };
  } catch (error) {
    return { group, name, variant, fault: `the server refuses it: ${(error as Error).message}` };
  }
}

/**
 * Fits, exports and serves every case.
 *
 * @param python with the libraries of scripts/models/requirements.txt
 * @param chosen names or groups of cases; all where there are none
 */
export async function runCases(python: string, chosen: readonly string[] = []): Promise<readonly Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'servemodel-servable-'));
  try {
    const script = fromHome('scripts/generate/servable/fuzz.py');
    const child = spawn(python, [script, folder, ...chosen], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Failure(`${python} ended with ${code}: ${said.trim().split('\n').at(-1) ?? ''}`);
    const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as readonly Tried[];
    const outcomes: Outcome[] = [];
    for (const tried of results) outcomes.push(await outcomeOf(tried, folder));
    return outcomes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
