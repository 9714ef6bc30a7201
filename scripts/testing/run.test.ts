import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../server/testing/withDeadline.ts';

const RUN = fileURLToPath(new URL('../run', import.meta.url));
/** For a busy machine. */
const WAIT_MS = 30_000;

// Notes each build, and ends when the file `go` exists, or with the test.
const COMPILER = `#!/usr/bin/env bash
set -e
out=\${*: -1}
echo "$out" >>"$HOME_OF_TEST/builds"
until [ -e "$HOME_OF_TEST/go" ] || ! [ -d "$HOME_OF_TEST" ]; do sleep 0.02; done
[ "$(cat "$HOME_OF_TEST/go")" != fail ]
mkdir -p "$out/worker/forest" "$out/scripts/models/import"
echo 'console.log("the tool ran")' >"$out/scripts/models/import/main.js"
`;

let home: string;

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
  chmodSync(join(home, path), mode);
}

/** A build that is older than the sources. */
function writeOldBuild(): void {
  write('dist-scripts/scripts/models/import/main.js', 'console.log("an old build")');
  write('dist-scripts/.built', '');
  utimesSync(join(home, 'dist-scripts/.built'), 0, 0);
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'run-'));
  for (const room of ['server', 'worker', 'proxy', 'scripts']) write(`${room}/a.ts`, '');
  for (const file of ['package-lock.json', 'models/model.schema.json', 'worker/forest/kernel.wasm'])
    write(file, '');
  write('node_modules/.bin/tsc', COMPILER, 0o755);
  write('scripts/generate/model-json-check/write.sh', '#!/bin/sh\n', 0o755);
  cpSync(RUN, join(home, 'scripts/run'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const builds = (): number =>
  existsSync(join(home, 'builds')) ? readFileSync(join(home, 'builds'), 'utf8').trim().split('\n').length : 0;

interface Started {
  readonly pid: number;
  readonly ended: Promise<{ code: number | null; said: string }>;
}

function start(): Started {
  const child = spawn(join(home, 'scripts/run'), ['import'], {
    env: { ...process.env, HOME_OF_TEST: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  return { pid: child.pid ?? 0, ended };
}

/** Whether the process waits for the lock: its child is flock. */
function waits(pid: number): boolean {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children.some((child) => child !== '' && readFileSync(`/proc/${child}/comm`, 'utf8') === 'flock\n');
}

const beside = (): string[] => readdirSync(home).filter((name) => name.startsWith('dist-scripts'));

const hasFlock = spawnSync('flock', ['--version']).status === 0 && existsSync('/proc/self/task');

describe('scripts/run', () => {
  it.skipIf(!hasFlock)(
    `builds once for tools that start at once${hasFlock ? '' : ' (skipped, needs flock and /proc)'}`,
    async () => {
      // With a build of an older time, which is replaced.
      writeOldBuild();
      const tools = [start(), start(), start()];
      await eventually(
        'one tool builds and the others wait, or all build',
        () => builds() === 3 || (builds() === 1 && tools.filter(({ pid }) => waits(pid)).length === 2),
        WAIT_MS,
      );
      write('go', 'go');
      expect(await Promise.all(tools.map(({ ended }) => ended))).toEqual(
        tools.map(() => ({ code: 0, said: 'the tool ran\n' })),
      );
      expect(builds()).toBe(1);
      expect(beside()).toEqual(['dist-scripts']);
      // And not again.
      expect(await start().ended).toEqual({ code: 0, said: 'the tool ran\n' });
      expect(builds()).toBe(1);
    },
    2 * WAIT_MS,
  );

  it(
    'keeps the former build when one fails, and builds at the next start',
    async () => {
      writeOldBuild();
      write('go', 'fail');
      expect(await start().ended).toMatchObject({ code: 1 });
      expect(beside()).toEqual(['dist-scripts']);
      expect(readFileSync(join(home, 'dist-scripts/scripts/models/import/main.js'), 'utf8')).toContain('old');
      write('go', 'go');
      expect(await start().ended).toEqual({ code: 0, said: 'the tool ran\n' });
      expect(beside()).toEqual(['dist-scripts']);
    },
    WAIT_MS,
  );
});
