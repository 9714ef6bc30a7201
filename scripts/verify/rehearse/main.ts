import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOME, fromHome } from '../../../server/platform/install.ts';
import { runProgram } from '../../../server/testing/runProgram.ts';
import { freePort } from '../../../server/testing/freePort.ts';
import type { Surroundings, Tool } from '../../cli/tool.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import type { Docker } from './docker.ts';
import { dockerAt } from './docker.ts';
import { rehearse } from './rehearse.ts';

const USAGE = `Usage: npm run rehearse -- [--image IMAGE] [--short] [--help]

Rehearses the Swarm stack (deploy/swarm) on this machine under load whose every answer is checked: 4 replicas, a rolling
update to a new model version, a killed replica, 4 → 2 → 6 → 3 replicas. Takes about 4 minutes, and longer while it builds
the image. Uses the Docker engine that answers, or starts one (as root). Removes what it started.

  --image IMAGE  the image to run (default: one that is built from this checkout)
  --short        2 replicas, 2 → 3 → 1
  --help         print this

Exit code: 0, 1 when a request was lost or a step failed, 2 for bad usage, 69 without a Docker engine.
`;

const ENGINE = fromHome('scripts/testing/dockerEngine.sh');
const STAND_IN = 'servemodel-base:rehearsal';
/** Stops the engine when its stdin closes, also when this process is killed. */
const CLEANER = `cat >/dev/null
export DOCKER_HOST=\${DOCKER_HOST-}
if [ -S "$2/docker.sock" ]; then DOCKER_HOST=unix://$2/docker.sock; fi
docker rm --force "$3-edge"
docker stack rm "$3"
if [ -n "$4" ]; then docker image rm "$4"; fi
"$1" stop "$2"
rm -rf -- "$2"`;

/** The address of the engine that answers, or of one that is started in the folder. */
async function startEngine(folder: string, stderr: Surroundings['stderr']): Promise<string | undefined> {
  try {
    const out = await runProgram(ENGINE, ['start', folder], { cwd: HOME, ms: 120_000 });
    return /^DOCKER_HOST=(.+)$/m.exec(out)?.[1];
  } catch (error) {
    stderr.write(`${(error as Error).message.trim()}\n`);
    return undefined;
  }
}

/** The base image of the Dockerfile, or a stand-in when no registry can be reached. */
async function baseImage(docker: Docker, folder: string, host: string): Promise<string> {
  const standard = /^ARG BASE=(.*)$/m.exec(readFileSync(fromHome('Dockerfile'), 'utf8'))?.[1] ?? '';
  const pulled = await docker(['pull', '--quiet', standard], {}, 180_000).catch(() => undefined);
  if (pulled !== undefined) return standard;
  const env = { DOCKER_HOST: host };
  await runProgram(ENGINE, ['base', folder, STAND_IN], { cwd: HOME, ms: 600_000, env });
  return STAND_IN;
}

const tool: Tool = async (argv, { stdout, stderr, interrupt }) => {
  const { values } = parseArgs({
    args: [...argv],
    options: { image: { type: 'string' }, short: { type: 'boolean', default: false } },
  });
  const say = (line: string): void => void stdout.write(`${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'rehearsal.'));
  const name = `rehearsal-${folder.slice(-6).toLowerCase()}`;
  const built = values.image === undefined ? `servemodel:${name}` : '';
  // In a session of its own, so that a terminal's Ctrl-C doesn't end it.
  const cleaner = spawn('bash', ['-c', CLEANER, 'cleaner', ENGINE, folder, name, built], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const cleaned = once(cleaner, 'close');
  try {
    const host = await startEngine(folder, stderr);
    if (host === undefined) return 69;
    const docker = dockerAt(host);
    if (built !== '') {
      say('building the image');
      const base = await baseImage(docker, folder, host);
      const build = ['build', '--network=host', `--build-arg=BASE=${base}`, `--tag=${built}`, '--force-rm'];
      await docker([...build, HOME], {}, 900_000);
    }
    const { right, byModel, wrong, errors, failures, seconds, longestGapMs } = await rehearse({
      ...{ docker, folder, name, say, interrupt, image: values.image ?? built, port: await freePort() },
      ...(values.short ? { replicas: 2, scales: [3, 1] } : { replicas: 4, scales: [2, 6, 3] }),
      connections: 8,
    });
    const versions = Object.entries(byModel).map(([id, count]) => `${count} of ${id}`);
    const lost = [...wrong, ...errors, ...failures];
    say(`${right} right answers (${versions.join(', ')}) in ${seconds.toFixed(0)} s, ${lost.length} lost`);
    say(`longest time without an answer: ${longestGapMs.toFixed(0)} ms`);
    for (const line of lost.slice(0, 10)) stderr.write(`${line}\n`);
    return lost.length === 0 ? 0 : 1;
  } catch (error) {
    if (!interrupt.aborted) stderr.write(`${(error as Error).message}\n`);
    return interrupt.aborted ? 130 : 1;
  } finally {
    cleaner.stdin.end();
    await cleaned;
  }
};

await runTool(withUsage(USAGE, tool));
