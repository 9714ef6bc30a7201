import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { HOME } from '../../../server/platform/install.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { eventually } from '../../../server/testing/withDeadline.ts';
import { missingPrograms } from './programs.ts';
import type { ProcessStat } from './processTree.ts';
import { readProcess, readTree } from './processTree.ts';
import type { Results } from './results.ts';

const RUN = join(HOME, 'scripts/run');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the bench as a user does. */
function bench(args: readonly string[], changes: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...changes };
    execFile(RUN, ['bench', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

// The first one compiles.
beforeAll(() => bench(['--help']), 300_000);

it('prints its usage', async () => {
  const { code, stdout, stderr } = await bench(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage: npm run bench -- \[options\]\n/);
});

it('refuses what it cannot compare with before it starts anything', async () => {
  expect(await bench(['--compare', '/nonexistent.json'])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'bench: /nonexistent.json cannot be read (ENOENT)\n',
  });
});

const missing = missingPrograms('wrk', 'nginx');

describe.skipIf(missing)(missing ? `a whole run (${missing})` : 'a whole run', () => {
  it('measures the server against the echo, and leaves nothing behind', async () => {
    await withTemporaryFolder(async (folder) => {
      // nginx's workers are another user where root starts it, and the sockets are below.
      await chmod(folder, 0o711);
      const out = join(folder, 'run.json');
      const args = ['--quick', '--subjects=echo,server', '--connections=64', '--out', out];
      const { code, stdout, stderr } = await bench(args, { TMPDIR: folder });
      expect([code, stderr]).toEqual([0, expect.stringContaining('[4/4] round 1 of 1: ')]);

      const results = JSON.parse(await readFile(out, 'utf8')) as Results & { bounds: { verdict: string }[] };
      expect(results.settings).toEqual({
        rounds: 1,
        secondsPerSample: 1,
        processes: 2,
        threadsPerProcess: 1,
      });
      expect(results.cells.map(({ subject }) => subject)).toEqual(['echo', 'server']);
      for (const { rows, connections, samples } of results.cells) {
        expect([rows, connections, samples.length]).toEqual([1, 64, 1]);
        expect(
          Math.min(...samples.flatMap((sample) => [sample.requests, sample.cpuMicroseconds])),
        ).toBeGreaterThan(0);
      }
      // Two are about these two cells; whether they hold depends on the machine.
      expect(results.bounds.filter(({ verdict }) => verdict !== 'not measured')).toHaveLength(2);
      expect(stdout).toContain('Must hold');
      expect((await readdir(folder)).sort()).toEqual(['run.json', 'run.svg']);
    });
  }, 60_000);

  it('ends everything that it started when it is interrupted', async () => {
    await withTemporaryFolder(async (folder) => {
      await chmod(folder, 0o711);
      const child = spawn(RUN, ['bench', '--quick'], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      let tree: ProcessStat[] = [];
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        if (tree.length > 0 || !stderr.includes('warming up')) return;
        tree = readTree([child.pid as number]);
        child.kill('SIGINT');
      });
      const [code] = (await once(child, 'close')) as [number];
      expect([code, stderr]).toEqual([130, expect.stringContaining('interrupted')]);
      expect(await readdir(folder)).toEqual([]);
      // The bench itself, and with four subjects many more.
      expect(tree.length).toBeGreaterThan(10);
      // What lost its parent is gone once init has taken note of its end.
      const left = (): boolean => tree.some(({ pid, started }) => readProcess(pid)?.started === started);
      await eventually('no process is left', () => !left());
    });
  });

  it('reports a server that does not start, with its own words, and leaves nothing behind', async () => {
    await withTemporaryFolder(async (folder) => {
      const { code, stdout, stderr } = await bench(['--quick'], { TMPDIR: folder, DEADLINE_MS: 'soon' });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('bench: server ended with code 2:\n');
      expect(stderr).toContain('DEADLINE_MS must be an integer');
      expect(await readdir(folder)).toEqual([]);
    });
  });
});
