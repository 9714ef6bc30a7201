import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOME, fromHome } from '../../../server/platform/install.ts';
import { runProgram } from '../../../server/testing/runProgram.ts';
import { eventually, withDeadline } from '../../../server/testing/withDeadline.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { startPredictionServer } from './testing/predictionServer.ts';
import { measure, runLoadtest } from './testing/runLoadtest.ts';

const RIGHT = ' <=50K';

describe('the command', () => {
  it('prints its usage to stdout', async () => {
    const { code, stdout, stderr } = await runLoadtest(['--help']);
    expect(stdout).toMatch(/^Usage: /);
    expect([code, stderr]).toEqual([0, '']);
  });

  it.each([
    [['--rate', 'x'], '--rate'],
    [['--data', 'none.csv'], 'none.csv'],
    [['--model', 'none'], 'models/none'],
    [['--json', 'no/such/folder/x.json'], 'x.json'],
  ])('answers bad usage %j with code 2, before anything is sent', async (argv, named) => {
    await using server = await startPredictionServer(({ predict }) => predict());
    const { code, stdout, stderr } = await runLoadtest([server.url, ...argv]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(named);
    expect(server.received).toHaveLength(0);
  });

  it('says so when nothing listens', async () => {
    const server = await startPredictionServer(({ predict }) => predict());
    await server[Symbol.asyncDispose]();
    const { code, stderr } = await runLoadtest([server.url]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing answers at http.*ECONNREFUSED/);
  });

  it('sends nothing more when the first answer is not 200, and prints its problem', async () => {
    await using server = await startPredictionServer(({ refuse }) => refuse(422, 'invalid_columns'));
    const { code, stderr } = await runLoadtest([server.url, '--allow-errors']);
    expect(code).toBe(1);
    expect(stderr).toContain('status 422 (invalid_columns): refused: invalid_columns');
    expect(server.received).toHaveLength(1);
  });

  it("sends the model's own rows, several to a request when asked", async () => {
    await using server = await startPredictionServer(({ predict }) => predict());
    const { code, report } = await measure([server.url, '--amount', '3', '--rows-per-request', '50']);
    expect(code).toBe(0);
    expect(report.totals).toMatchObject({ requests: 3, ok: 3, failed: 0, unfinished: 0, rows: 150 });
    expect(server.received[1]?.body.columns).toContain('hours-per-week');
    expect(server.received.map(({ body }) => body.data.length)).toEqual([50, 50, 50, 50]);
  });

  it('breaks errors down by status and code, and exits with 1 unless they are allowed', async () => {
    await using server = await startPredictionServer(({ number, predict, refuse, answer }) => {
      if (number === 0) predict();
      else if (number % 4 === 1) refuse(503, 'overloaded');
      else if (number % 4 === 2) refuse(504, 'deadline_exceeded');
      else if (number % 4 === 3) answer.writeHead(502).end('<html>');
      else predict();
    });
    const argv = [server.url, '--amount', '15', '--connections', '1'];
    const { code, report, stdout } = await measure(argv);
    expect(code).toBe(1);
    expect(report.failures).toMatchObject({
      total: 12,
      byStatus: { 502: 4, 503: 4, 504: 4 },
      byCode: { overloaded: 4, deadline_exceeded: 4, '(no code)': 4 },
      bySocket: {},
    });
    // Quick refusals are no latencies.
    expect(report.latency.count).toBe(3);
    expect(stdout).toContain('overloaded');
    expect((await runLoadtest([...argv, '--allow-errors'])).code).toBe(0);
  });

  it('holds answers against the expected labels and shows the first wrong ones by row', async () => {
    await using server = await startPredictionServer(({ predict }) => predict(RIGHT));
    const { code, report, stdout } = await measure([
      ...[server.url, '--expect', '--amount', '10', '--rows-per-request', '10', '--connections', '1'],
    ]);
    expect(code).toBe(1);
    const { requests, rows, first } = report.failures.mismatched;
    expect(requests).toBeGreaterThan(0);
    expect(report.totals.failed).toBe(requests);
    expect(rows).toBeGreaterThanOrEqual(first.length);
    expect(first[0]).toMatchObject({ expected: ' >50K', got: '" <=50K"' });
    expect(stdout).toContain(`row ${first[0]?.row}: expected " >50K", got " <=50K"`);
  });

  it('passes when all labels are as expected; an answer without labels is unreadable', async () => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'rows.csv'), 'a\n1\n2\n3\n');
      writeFileSync(join(folder, 'labels.csv'), 'label\n2\n4\n6\n');
      let broken = false;
      await using server = await startPredictionServer(({ body, answer }) => {
        const doubled = body.data.map(([a]) => 2 * Number(a));
        answer.end(broken ? '{"predictions":[]}' : JSON.stringify({ predictions: doubled }));
      });
      const argv = [server.url, '--data', 'rows.csv', '--expect', 'labels.csv', '--amount', '7'];
      const good = await runLoadtest(argv, { folder });
      expect(good.stdout).toContain('all 7 labels as expected');
      expect(good.code).toBe(0);
      broken = true;
      const bad = await runLoadtest(argv, { folder });
      expect(bad.code).toBe(1);
      expect(bad.stdout).toMatch(/unreadable +7/);
    });
  });

  it('reports what was measured when it is interrupted', async () => {
    const interrupt = new AbortController();
    await using server = await startPredictionServer(({ number, predict }) => {
      if (number === 20) interrupt.abort();
      if (number < 20) predict();
    });
    const argv = [server.url, '--duration', '600', '--connections', '1'];
    const { code, report, stdout } = await measure(argv, { interrupt: interrupt.signal });
    expect(report).toMatchObject({ interrupted: true, totals: { ok: 19, failed: 0, unfinished: 1 } });
    expect(stdout).toContain('(interrupted)');
    expect(code).toBe(0);
  });

  it('shows a live bar on a terminal only', async () => {
    await using server = await startPredictionServer(({ predict }) => setTimeout(predict, 2));
    const argv = [server.url, '--duration', '0.6'];
    expect((await runLoadtest(argv, { isTTY: true })).stderr).toMatch(
      /\r\[█*░*\] {2}\d\.\d s {2}[\d.,]+ req\/s {2}p50 [\d.]+ ms {2}p99 [\d.]+ ms {2}errors 0/,
    );
    expect((await runLoadtest(argv)).stderr).not.toContain('\r');
  });

  it('ends on SIGINT with its report', { timeout: 200_000 }, async () => {
    await using server = await startPredictionServer(({ predict }) => predict());
    const tool = fromHome('scripts/run');
    // The first one compiles.
    await runProgram(tool, ['loadtest', '--help'], { cwd: HOME, ms: 150_000 });
    const child = spawn(tool, ['loadtest', server.url, '--duration', '600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let stdout = '';
      child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
      const closed = once(child, 'close');
      await eventually('the first requests', () => server.received.length > 20);
      child.kill('SIGINT');
      const [code] = (await withDeadline('the end after SIGINT', closed)) as [number];
      expect(stdout).toContain('(interrupted)');
      expect(code).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('the report', () => {
  it('has a fixed JSON shape, whose parts agree', async () => {
    await using server = await startPredictionServer(({ predict }) => predict());
    const { report } = await measure([
      server.url,
      '--rate',
      '100',
      '--duration',
      '0.5',
      '--header',
      'x-key: secret',
    ]);
    expect(Object.keys(report).sort()).toEqual(
      [
        ...[
          'curve',
          'explained',
          'failures',
          'format',
          'generator',
          'histogram',
          'interrupted',
          'latency',
          'node',
          'service',
        ],
        ...['serviceCurve', 'settings', 'started', 'timeline', 'totals', 'version', 'warnings'],
      ].sort(),
    );
    expect(report.format).toBe('servemodel-loadtest/1');
    expect(report.settings).toMatchObject({ loop: 'open', rate: 100, amount: null, headers: ['x-key'] });
    expect(JSON.stringify(report)).not.toContain('secret');
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
    expect(sum(report.histogram.map(({ count }) => count))).toBe(50);
    expect(sum(report.timeline.map(({ ok, failed }) => ok + failed))).toBe(50);
    const { min, p50, p90, p99, max } = report.latency;
    expect([min, p50, p90, p99, max]).toEqual([min, p50, p90, p99, max].toSorted((a, b) => a - b));
    expect(report.curve.map(({ ms }) => ms)).toEqual(
      report.curve.map(({ ms }) => ms).toSorted((a, b) => a - b),
    );
  });

  it('is a page that loads nothing, escapes what it shows and describes its pictures', async () => {
    await using server = await startPredictionServer(({ number, predict, refuse }) =>
      number % 3 === 1 ? refuse(503, '<script>alert(1)</script>') : predict(),
    );
    const { page } = await measure([server.url, '--amount', '30']);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import/i);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('&#60;script&#62;alert(1)');
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('name="viewport"');
    const pictures = page.match(/<svg [^>]*>/g) ?? [];
    expect(pictures).toHaveLength(4);
    for (const picture of pictures) expect(picture).toMatch(/role="img" aria-label="[^"]+"/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});
