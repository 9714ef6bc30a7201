import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mebibytes, memoryNeeded } from './testing/memory.ts';

const read = (path: string): unknown => parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));
/** The default of a variable. */
const unset = (text: string): string => /^\$\{\w+:-(.*)\}$/.exec(text)?.[1] ?? text;

// deploy/kubernetes/manifests.test.ts checks the manifests for Kubernetes against it.
describe('the memory limit of the server follows docs/deploy.md', () => {
  it('by the formula', () => {
    expect(memoryNeeded({ cpus: 2, tmpfs: 0 })).toBe(1280);
    expect(memoryNeeded({ cpus: 0.25, tmpfs: 0 })).toBe(1280);
    const env = { WEB_CONCURRENCY: '3', INFERENCE_THREADS: '2' };
    expect(memoryNeeded({ cpus: 64, env, tmpfs: 100 })).toBe(512 + 3 * (384 + 16) + 100);
    expect(['4g', '2304M', '1280Mi', 1048576].map(mebibytes)).toEqual([4096, 2304, 1280, 1]);
    expect(mebibytes('1.5 GB')).toBeNaN();
  });

  it('in compose.yaml, on any machine', () => {
    const { server } = (
      read('compose.yaml') as {
        services: { server: { mem_limit: string; cpu_quota: string; tmpfs: [string] } };
      }
    ).services;
    const tmpfs = mebibytes(/^\/tmp:size=(\w+)/.exec(server.tmpfs[0])?.[1]);
    const cpus = Number(unset(server.cpu_quota)) / 100_000;
    expect(mebibytes(unset(server.mem_limit))).toBeGreaterThanOrEqual(memoryNeeded({ cpus, tmpfs }));
  });

  it('in the Swarm stack', () => {
    const { volumes, deploy } = (
      read('deploy/swarm/stack.yml') as {
        services: {
          server: {
            volumes: [{ tmpfs: { size: number } }];
            deploy: { resources: { limits: { cpus: string; memory: string } } };
          };
        };
      }
    ).services.server;
    const { cpus, memory } = deploy.resources.limits;
    const tmpfs = mebibytes(volumes[0].tmpfs.size);
    expect(mebibytes(memory)).toBeGreaterThanOrEqual(memoryNeeded({ cpus: Number(cpus), tmpfs }));
  });
});
