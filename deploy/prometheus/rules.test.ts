import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../../server/testing/temporaryFolder.ts';
import type { Alert } from '../testing/alerts.ts';
import { changedRules, operands, readAlerts, withoutBounds } from '../testing/alerts.ts';
import { needs } from '../testing/programs.ts';

const TESTS = fileURLToPath(new URL('rules.test.yml', import.meta.url));
/** The placeholder that docs/observe.md replaces. */
const PROJECT = 'https://git.example.com/servemodel';
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const alerts = readAlerts();
const names = alerts.map(({ alert }) => alert);

const promtool = (...args: readonly string[]): { readonly code: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 });
  return { code: status, said: stdout + stderr };
};

/** The alerts whose tests fail with changed rules: those that should fire and don't, or the reverse. */
const broken = (expected: 'fires' | 'silent', change: (alert: Alert) => Alert): Promise<string[]> =>
  withTemporaryFolder((folder) => {
    const tests = join(folder, 'rules.test.yml');
    copyFileSync(TESTS, tests);
    writeFileSync(join(folder, 'rules.yml'), changedRules(change));
    const { said } = promtool('test', 'rules', tests);
    const failures = [...said.matchAll(/alertname: (\w+), time: \w+,\s+exp:\[(\]?)/g)];
    const wanted = failures.filter(([, , none]) => (none === ']') === (expected === 'silent'));
    return Promise.resolve([...new Set(wanted.map(([, name]) => name as string))].sort());
  });

const tool = needs('by promtool', 'promtool');
describe.skipIf(tool.missing)(tool.title, () => {
  it('the rules are valid, and pass their tests', () => {
    expect(promtool('check', 'rules', fileURLToPath(new URL('rules.yml', import.meta.url)))).toMatchObject({
      code: 0,
    });
    expect(promtool('test', 'rules', TESTS)).toMatchObject({ code: 0 });
  });

  it('the tests detect each alert that never fires', async () => {
    const never = await broken('fires', (alert) => ({ ...alert, expr: 'vector(0) > 1' }));
    expect(never).toEqual([...names].sort());
  });

  it('the tests detect each alert that always fires', async () => {
    const always = await broken('silent', (alert) => ({ ...alert, for: '0s', expr: withoutBounds(alert) }));
    expect(always).toEqual([...names].sort());
  });
});

describe('an alert', () => {
  it.each(alerts)('$alert has a summary, a severity and a chapter of the runbook', (alert) => {
    expect(alert.labels['severity']).toMatch(/^(critical|warning|info)$/);
    expect(Object.keys(alert.annotations)).toEqual(['summary', 'description', 'runbook_url']);
    expect(alert.annotations['runbook_url']).toBe(`${PROJECT}/docs/runbook.md#${alert.alert.toLowerCase()}`);
    expect(read('docs/runbook.md')).toContain(`\n## ${alert.alert}\n`);
    expect(operands(alert).length).toBeGreaterThan(0);
  });

  it('has the placeholder that docs/observe.md replaces', () => {
    expect(read('docs/observe.md')).toContain(`sed -i 's,${PROJECT},`);
  });

  it('is in the list of docs/observe.md, which has no other', () => {
    const listed = [...read('docs/observe.md').matchAll(/^\| \[(\w+)\]\(runbook\.md#\w+\) +\| (\w+)/gm)];
    expect(listed.map(([, name, severity]) => [name, severity])).toEqual(
      alerts.map(({ alert, labels }) => [alert, labels['severity']]),
    );
  });

  it('has a chapter in the runbook, which has no other', () => {
    const chapters = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(chapters).toEqual(names);
  });
});
