import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { freePort } from '../testing/freePort.ts';
import { CHECKOUT } from '../testing/startServer.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 120_000 });

/** util-linux's `script` runs a program on its own terminal. */
const missing =
  nginxMissing ??
  (spawnSync('script', ['--version']).error
    ? 'skipped, script is missing: apt-get install bsdutils'
    : undefined);

describe.skipIf(missing)(`on a terminal${missing ? ` (${missing})` : ''}`, () => {
  it("the log is text for people, nginx's lines too, without their queries", async () => {
    const tmp = mkdtempSync(join(tmpdir(), 'pretty-'));
    chmodSync(tmp, 0o755);
    const [port, metricsPort] = [await freePort(), await freePort()];
    const child = spawn('script', ['-qefc', `exec ${CHECKOUT}/servemodel.sh --no-install`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TERM: 'xterm',
        HOST: '127.0.0.1',
        PORT: String(port),
        METRICS_PORT: String(metricsPort),
        MAX_BODY_BYTES: '2000',
        TMPDIR: tmp,
      },
    });
    const exited = once(child, 'exit');
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const lines = (): string[] => stripVTControlCharacters(said).split(/\r?\n/);
    try {
      await eventually('ready', () => /ready on/.test(said), 60_000);
      const body = 'x'.repeat(2001);
      const { status } = await fetch(`http://127.0.0.1:${port}/predict?q=hunter2`, { method: 'POST', body });
      expect(status).toBe(413);
      const refusal = /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: client intended to send too large body/;
      await eventually('the refusal', () => lines().some((line) => refusal.test(line)), 10_000);
      expect(lines()).toContainEqual(expect.stringMatching(/^\[[\d:.]+\] INFO: ready on http:/));
      // Coloured, and not JSON.
      expect(said).toContain('\u001b[32mINFO\u001b[39m');
      expect(lines().filter((line) => line.startsWith('{') || line.includes('hunter2'))).toEqual([]);
      // Ctrl-C.
      child.stdin.write('\u0003');
      const [code] = (await withDeadline('the end', exited, 20_000)) as [number];
      expect(code).toBe(0);
    } finally {
      child.kill();
      rmSync(tmp, { recursive: true, force: true });
    }
  });
});
