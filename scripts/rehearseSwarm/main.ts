import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOME, fromHome } from '../../server/project.ts';
import { runProgram } from '../../server/testing/runProgram.ts';
import { freePort } from '../../server/testing/startServer.ts';
import type { Tool } from '../calls/run.ts';
import { runTool, withUsage } from '../calls/run.ts';
import { dockerAt } from './docker.ts';
import { rehearse } from './rehearse.ts';

const USAGE = `Usage: ./scripts/rehearse [--image IMAGE] [--short] [--help]

Rehearses the Swarm stack (deploy/swarm) on this machine under load, every answer of which is checked: 4 replicas, a
rolling update to a new model version, a killed replica, 4 → 2 → 6 → 3 replicas. Takes about 4 minutes, and an image more
the first time. Uses the Docker engine that answers, else runs one of its own (as root). It takes down what it started.

  --image IMAGE  the image to run; without it, one is built from this checkout
  --short        2 replicas, 2 → 3 → 1
  --help         print this

Exit code 1: a request was lost, or a step failed. 69: there is no engine here.
`;

const ENGINE = fromHome('scripts/testing/dockerEngine.sh');
const BASE = 'servemodel-base:rehearsal';
/** Takes the engine down when its stdin closes: at the latest when this process is gone, however. */
const CLEANER = `cat >/dev/null
export DOCKER_HOST="$3"
docker stack rm "$4"; docker rm --force "$4-edge"
if [ -n "$5" ]; then docker image rm "$5"; fi
"$1" stop "$2"
rm -rf -- "$2"`;

const tool: Tool = async (argv, { stdout, stderr, interrupt }) => {
  const { values } = parseArgs({
    args: [...argv],
    options: { image: { type: 'string' }, short: { type: 'boolean', default: false } },
  });
  const say = (line: string): void => void stdout.write(`${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'rehearsal.'));
  const name = `rehearsal-${folder.slice(-6).toLowerCase()}`;
  const built = values.image === undefined ? `servemodel:${name}` : '';
  let clean = [ENGINE, folder, '', name, built];
  // Before the engine is up there is nothing but the folder; after it, a second one knows where it is.
  const startCleaner = () =>
    spawn('bash', ['-c', CLEANER, 'cleaner', ...clean], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  const host = await runProgram(ENGINE, ['start', folder], { cwd: HOME, ms: 120_000 }).then(
    (out) => /^DOCKER_HOST=(.+)$/m.exec(out)?.[1] ?? '',
    (error: Error) => error,
  );
  if (host instanceof Error) {
    stderr.write(`${host.message}\n`);
    return 69;
  }
  clean = clean.with(2, host);
  const cleaner = startCleaner();
  try {
    const docker = dockerAt(host);
    if (built !== '') {
      say('building the image');
      const env = { DOCKER_HOST: host };
      await runProgram(ENGINE, ['base', folder, BASE], { cwd: HOME, ms: 600_000, env });
      const build = [
        'build',
        '--network=host',
        `--build-arg=BASE=${BASE}`,
        `--tag=${built}`,
        '--force-rm',
        HOME,
      ];
      await docker(build, {}, 900_000);
    }
    const { right, byModel, wrong, statuses, failures, seconds, longestGapMs } = await rehearse({
      ...{ docker, folder, name, say, interrupt, image: values.image ?? built, port: await freePort() },
      ...(values.short ? { replicas: 2, scales: [3, 1] } : { replicas: 4, scales: [2, 6, 3] }),
      connections: 8,
    });
    const versions = Object.entries(byModel).map(([id, count]) => `${count} of ${id}`);
    const lost = [...wrong, ...statuses.map((status) => `status ${status}`), ...failures];
    say(`${right} right answers (${versions.join(', ')}) in ${seconds.toFixed(0)} s, ${lost.length} lost`);
    say(`longest time without an answer: ${longestGapMs.toFixed(0)} ms`);
    for (const line of lost.slice(0, 10)) stderr.write(`${line}\n`);
    return lost.length === 0 ? 0 : 1;
  } catch (error) {
    if (!interrupt.aborted) stderr.write(`${(error as Error).message}\n`);
    return interrupt.aborted ? 130 : 1;
  } finally {
    const cleaned = once(cleaner, 'close');
    cleaner.stdin.end();
    await cleaned;
  }
};

await runTool(withUsage(USAGE, tool));
