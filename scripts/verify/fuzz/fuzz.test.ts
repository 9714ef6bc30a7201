import { describe, expect, it } from 'vitest';
import { attack } from './attack.ts';
import { fuzz } from './fuzz.ts';
import { allTargets } from './targets.ts';

const targets = await allTargets();
/** The same inputs in every run; `npm run fuzz` tries others. */
const SEED = 9;
const RUNS = 150;

describe('every decoder', () => {
  it.each(targets.map((target) => [target.name, target] as const))(
    'answers or refuses every input: %s',
    async (_, target) => {
      expect(await attack(target, SEED, RUNS)).toBeUndefined();
    },
    120_000,
  );

  it('is found out when it breaks', async () => {
    const [target] = targets;
    if (!target) throw new Error('there is no target');
    const broken = {
      ...target,
      check: (input: Buffer) => {
        if (input.includes('null')) throw new Error('broken');
      },
    };
    expect((await attack(broken, SEED, RUNS))?.input.toString()).toContain('null');
  });
});

describe('npm run fuzz', () => {
  const run = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const said = { stdout: '', stderr: '' };
    const code = await fuzz(argv, {
      stdout: { write: (text) => (said.stdout += text) },
      stderr: { write: (text) => (said.stderr += text) },
      folder: '.',
      interrupt: new AbortController().signal,
    });
    return { code, ...said };
  };

  it('prints its usage', async () => {
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const { name } of targets) expect(help.stdout).toContain(name);
    expect(await run('--only', 'nothing')).toMatchObject({ code: 2, stdout: '' });
    expect(await run('--minutes', '1')).toMatchObject({ code: 2, stdout: '' });
  });
});
