import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { fromHome } from '../../../server/platform/install.ts';
import type { Docker } from './docker.ts';
import { linesOf } from './docker.ts';

const STACK_FILE = fromHome('deploy/swarm/stack.yml');
const EDGE_FILE = fromHome('deploy/swarm/edge.nginx.conf');
const START_MS = 240_000;

export interface StackOptions {
  readonly docker: Docker;
  readonly image: string;
  /** An existing folder, for the override. */
  readonly folder: string;
  readonly name: string;
  /** Port of the edge, on 127.0.0.1. */
  readonly port: number;
  /** Waits for a condition. Rejects after `ms`, and when the rehearsal is interrupted. */
  readonly until: (what: string, check: () => Promise<boolean>, ms: number) => Promise<void>;
}

/** The stack of deploy/swarm/stack.yml on an engine. */
export interface Stack {
  /** Deploys or updates it, and waits until the replicas serve this version. */
  deploy(version: number, replicas: number): Promise<void>;
  /** Starts the edge, as a plain container. */
  openEdge(): Promise<void>;
  scale(replicas: number): Promise<void>;
  /** Kills a replica, and waits for its successor. */
  killOne(replicas: number): Promise<void>;
  remove(): Promise<void>;
}

export function createStack({ docker, image, folder, name, port, until }: StackOptions): Stack {
  const edge = `${name}-edge`;
  const service = `${name}_server`;
  const containers = async (): Promise<string[]> =>
    linesOf(await docker(['ps', '--quiet', '--filter', `label=com.docker.swarm.service.name=${service}`]));
  /** This many are healthy, and no others run. */
  const settled = async (replicas: number): Promise<boolean> => {
    const state = await docker(['service', 'ls', '--filter', `name=${service}`, '--format', '{{.Replicas}}']);
    return state === `${replicas}/${replicas}` && (await containers()).length === replicas;
  };
  const settle = (replicas: number): Promise<void> =>
    until(`${replicas} replicas`, () => settled(replicas), START_MS);

  return {
    deploy: async (version, replicas) => {
      const override = {
        version: '3.8',
        services: {
          server: {
            healthcheck: { interval: '1s' },
            deploy: { replicas, resources: { limits: { cpus: '1', memory: '2304M' } } },
          },
          // Swarm would publish it on all addresses of the machine, not only on 127.0.0.1.
          edge: { deploy: { replicas: 0 } },
        },
        configs: { edge: { name: edge, file: EDGE_FILE } },
      };
      const file = join(folder, 'override.yml');
      writeFileSync(file, stringify(override));
      await docker(['stack', 'deploy', '--resolve-image=never', '-c', STACK_FILE, '-c', file, name], {
        IMAGE: image,
        MODEL_VERSIONS: `adult=${version}`,
      });
      const updated = async (): Promise<boolean> => {
        const status = [
          'service',
          'inspect',
          '--format',
          '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}',
        ];
        const state = await docker([...status, service]);
        if (/paused|rollback/.test(state)) throw new Error(`the update ended with ${state}`);
        return state !== 'updating';
      };
      await until('the end of the update', updated, START_MS);
      await settle(replicas);
    },
    openEdge: async () => {
      const { services } = parse(readFileSync(STACK_FILE, 'utf8')) as {
        services: { edge: { entrypoint: string[]; sysctls: Record<string, string> } };
      };
      const [program = '', ...args] = services.edge.entrypoint;
      const sysctls = Object.entries(services.edge.sysctls).map(([key, value]) => `--sysctl=${key}=${value}`);
      await docker([
        ...['run', '--detach', `--name=${edge}`, `--network=${name}_replicas`, '--read-only', '--tmpfs=/tmp'],
        ...['--cap-drop=ALL', ...sysctls, '--no-healthcheck', `--publish=127.0.0.1:${port}:5000`],
        ...[`--volume=${EDGE_FILE}:${args.at(-1)}:ro`, `--entrypoint=${program}`, image, ...args],
      ]);
      const ready = (): Promise<boolean> =>
        fetch(`http://127.0.0.1:${port}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      await until('the edge to answer', ready, 30_000);
    },
    scale: async (replicas) => {
      await docker(['service', 'scale', '--detach', `${service}=${replicas}`]);
      await settle(replicas);
    },
    killOne: async (replicas) => {
      const [victim] = await containers();
      if (victim === undefined) throw new Error('there is no replica to kill');
      await docker(['kill', '--signal=KILL', victim]);
      const replaced = async (): Promise<boolean> =>
        !(await containers()).includes(victim) && (await settled(replicas));
      await until('its successor', replaced, START_MS);
    },
    remove: async () => {
      // Each step alone: what is missing must not keep the rest from being removed.
      await docker(['rm', '--force', edge]).catch(() => '');
      await docker(['stack', 'rm', name]).catch(() => '');
      const left = async (): Promise<boolean> =>
        (await docker(['ps', '--all', '--quiet', '--filter', `name=${name}`])) === '' &&
        (await docker(['network', 'ls', '--quiet', '--filter', `name=${name}_`])) === '';
      for (let tries = 0; tries < 60 && !(await left()); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
  };
}
