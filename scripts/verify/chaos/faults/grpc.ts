import { readAdultRows } from '../../../../server/testing/adultRows.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { grpcCase, startGrpcLoad } from '../../../../server/testing/grpcLoad.ts';
import type { Fault, Scene } from '../fault.ts';

const CALLS = 8;
/** Bounds the calls of one fault, repetitions included. */
const LONGEST_MS = 600_000;

/** Runs a fault under calls on one connection, beside the load over HTTP. @throws {Error} if a call failed */
const underCalls =
  (port: () => number, strike: (scene: Scene, more: () => Promise<void>) => Promise<void>) =>
  async (scene: Scene): Promise<void> => {
    const rows = readAdultRows();
    const cases = [...rows.slice(0, 100).map((row) => grpcCase([row])), grpcCase(rows.slice(0, 1000))];
    const calls = startGrpcLoad({ port: port(), calls: CALLS, cases, maxMs: LONGEST_MS });
    try {
      await calls.more(100, 30_000);
      await strike(scene, () => calls.more(100, 30_000));
    } finally {
      await calls.stop();
    }
    if (calls.failures.length > 0) throw new Error(`failed calls: ${calls.failures.slice(0, 3).join('; ')}`);
    scene.say(`${calls.right} right calls, none failed`);
  };

function grpcFault(
  fault: Pick<Fault, 'name' | 'what' | 'times'>,
  strike: (scene: Scene, more: () => Promise<void>) => Promise<void>,
): Fault {
  let port = 0;
  return {
    ...fault,
    prepare: async () => {
      port = await freePort();
      return { options: { env: { GRPC_PORT: String(port) } } };
    },
    strike: underCalls(() => port, strike),
  };
}

export const grpcProcessKilled = grpcFault(
  { name: 'grpc-process-killed', what: 'kill -9 of a server process under gRPC calls', times: 5 },
  async ({ server, chance, times, recovered }, more) => {
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(server.serverProcesses());
      process.kill(victim, 'SIGKILL');
      await recovered([victim]);
      await more();
    }
  },
);

export const grpcReloads = grpcFault(
  { name: 'grpc-reloads', what: 'rolling reloads (SIGHUP) under gRPC calls', times: 5 },
  async ({ server, times, recovered }, more) => {
    for (let time = 1; time <= times; time++) {
      const old = server.serverProcesses();
      server.signal('SIGHUP');
      await server.says(
        `the end of reload ${time}`,
        () => server.lines().filter(({ msg }) => msg === 'reload ended').length >= time,
        60_000,
      );
      await recovered(old);
      await more();
    }
  },
);
