import { freePort } from '../../../server/testing/freePort.ts';
import type { Docker } from './docker.ts';

const BRIDGE = 'docker_gwbridge';

/** Runs something in the engine's swarm, or in one that is made for it and left afterwards. */
export async function withSwarm<T>(
  docker: Docker,
  until: (what: string, check: () => Promise<boolean>, ms: number) => Promise<void>,
  run: () => Promise<T>,
): Promise<T> {
  const state = await docker(['info', '--format', '{{.Swarm.LocalNodeState}}']);
  if (state === 'active') return run();
  const before = await docker(['network', 'ls', '--quiet', '--filter', `name=${BRIDGE}`]);
  const listen = await freePort();
  const init = (): Promise<boolean> =>
    docker(['swarm', 'init', '--advertise-addr=127.0.0.1', `--listen-addr=127.0.0.1:${listen}`]).then(
      () => true,
      (error: Error) => {
        // Port 7946 is fixed: another swarm on this machine has to end first.
        if (/address already in use/.test(error.message)) return false;
        throw error;
      },
    );
  await until('the port of a swarm that is on this machine already', init, 180_000);
  try {
    return await run();
  } finally {
    await docker(['swarm', 'leave', '--force']);
    if (before === '') await docker(['network', 'rm', BRIDGE]).catch(() => '');
  }
}
