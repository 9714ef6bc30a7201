import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../../proxy/testing/nginxMissing.ts';
import { readAdultRows } from '../../../server/testing/adultRows.ts';
import { singles, together } from '../../../server/testing/load.ts';
import { CATALOGUE } from './catalogue.ts';
import { chaos } from './chaos.ts';
import { createChance } from './random.ts';
import type { RehearseOptions } from './rehearse.ts';
import { rehearse } from './rehearse.ts';
import { renderFaults, renderResults } from './report.ts';
import { rehearseTerms } from './terms.ts';

vi.setConfig({ testTimeout: 180_000 });

/** The same moments and victims in every run. */
const SEED = 20_261_121;

const options = (times: number): RehearseOptions => {
  const rows = readAdultRows();
  return {
    cases: [...singles(rows.slice(0, 200)), together(rows.slice(0, 500))],
    chance: createChance(SEED),
    times,
    steadyMs: 300,
    say: () => undefined,
  };
};

describe('npm run chaos', () => {
  const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    let out = '';
    let err = '';
    const code = await chaos(argv, {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
      folder: '.',
      interrupt: new AbortController().signal,
    });
    return { code, out, err };
  };

  it('prints its usage and its faults, and refuses what it does not know', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: /) as string });
    const { code, out } = await run('--list');
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(CATALOGUE.length + 1);
    expect(await run('--only', 'earthquake')).toMatchObject({ code: 2, out: '' });
    expect(await run('--times', '0')).toMatchObject({ code: 2, out: '' });
    expect(await run('--nothing')).toMatchObject({ code: 2, out: '' });
  });

  it('reports what was lost, in a line for each fault', () => {
    const whole = {
      name: 'a',
      what: 'this',
      times: 2,
      right: 1000,
      lost: 0,
      resent: 1,
      refused: 0,
      longestGapMs: 5,
      recoveryMs: [900, 2100],
      lies: 0,
      left: [],
      faults: [],
    };
    const results = [
      whole,
      { ...whole, faults: ['lost: 3 × 503'], lost: 3 },
      { ...whole, skipped: 'no root' },
    ];
    const lines = renderResults(results).split('\n');
    expect(lines[2]).toMatch(/^this +2 +1,000 +0 +1 +0 +2\.1 s, at most 2\.1 s +held$/);
    expect(lines[3]).toMatch(/FAILED$/);
    expect(lines[4]).toMatch(/skipped$/);
    expect(renderFaults(results)).toEqual(['a: lost: 3 × 503', 'a: skipped: no root']);
  });
});

describe.skipIf(nginxMissing)(needsNginx('the whole chain'), () => {
  // The faults of processes and reloads are in server/e2e/faults.test.ts, with more checks.
  it.for([
    'worker-killed',
    'worker-frozen',
    'nginx-killed',
    'primary-frozen',
    'primary-killed',
    'out-of-memory',
    'disk-full',
    'descriptors-gone',
    'clock-jumps',
  ])('holds: %s', async (name, { skip }) => {
    const fault = CATALOGUE.find((one) => one.name === name);
    if (!fault) throw new Error(`there is no fault ${name}`);
    const result = await rehearse(fault, options(1));
    if (result.skipped !== undefined) skip(result.skipped);
    expect(result.faults).toEqual([]);
    expect(result.right).toBeGreaterThan(0);
    if (result.mayLose === undefined && result.mayRefuse === undefined) expect(result.resent).toBe(0);
  });

  it('holds: SIGTERM at random moments', async () => {
    expect((await rehearseTerms(options(3))).faults).toEqual([]);
  });
});
