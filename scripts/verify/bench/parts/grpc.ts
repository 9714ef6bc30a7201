import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../../server/testing/freePort.ts';
import { grpcClient, grpcMessageOf } from '../../../../server/testing/grpcClient.ts';
import { Failure, Interrupted } from '../../../cli/faults.ts';
import { renderTable } from '../../../cli/table.ts';
import type { Bound } from '../bound.ts';
import { grpcBody, HEADER_LENGTH, HTTP_PATH, httpBody, INFER } from '../caller/bodies.ts';
import type { CallOrder, CallOutcome } from '../caller/caller.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { settle } from '../measure.ts';
import type { Part } from '../part.ts';
import { treeCpuSeconds } from '../processTree.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';
import { many } from '../text.ts';
import { runToEnd } from '../wrk.ts';

/** What gRPC may cost of HTTP's CPU time, and how many calls compile the code of the path. */
const SIZES = [
  { rows: 1, underWay: 16, warmUp: 10_000, limit: 1.35 },
  { rows: 1000, underWay: 4, warmUp: 300, limit: 1.05 },
] as const;
/** The bound is on gRPC with as many connections as HTTP. Clients share one, which is only shown. */
const WAYS = { http: 'V2 binary over HTTP', grpc: 'gRPC', shared: 'gRPC, one connection' } as const;
const WAY_NAMES = ['http', 'grpc', 'shared'] as const;
const WARM_UP_SECONDS = 20;
/** Below nginx's keepalive_requests: a measurement has one connection. */
const MOST_CALLS = 50_000;
/** How long the client may run beyond its time. */
const GRACE_MS = 45_000;

type Way = keyof typeof WAYS;

interface GrpcSample {
  /** CPU time of a call, of the whole process tree. */
  readonly microseconds: number;
  readonly callsPerSecond: number;
}

/** One sample for each round. */
interface GrpcResult extends Readonly<Record<Way, readonly GrpcSample[]>> {
  readonly rows: number;
}

/** Writes the bodies of one size. @returns the file */
async function writeBodies(
  { folder }: Context,
  protocol: CallOrder['protocol'],
  tables: readonly Table[],
): Promise<string> {
  const file = join(await mkdtemp(join(folder, 'calls.')), 'bodies.json');
  await writeFile(file, JSON.stringify(tables.map(protocol === 'grpc' ? grpcBody : httpBody)));
  return file;
}

async function runCaller({ signal }: Context, order: CallOrder): Promise<CallOutcome> {
  const program = fileURLToPath(new URL('../caller/main.js', import.meta.url));
  const timeoutMs = order.seconds * 1000 + GRACE_MS;
  const output = await runToEnd(process.execPath, [program, JSON.stringify(order)], timeoutMs, signal);
  if (signal.aborted) throw new Interrupted();
  let outcome: CallOutcome;
  try {
    outcome = JSON.parse(output) as CallOutcome;
  } catch {
    throw new Failure(`grpc: the client failed: ${output.trim() || 'it was silent for too long'}`);
  }
  if (outcome.failure !== undefined)
    throw new Failure(`grpc: a call over ${order.protocol} failed: ${outcome.failure}`);
  return outcome;
}

/** @throws {Failure} when the protocols give other labels for the same rows */
async function requireSame(port: number, grpcPort: number, table: Table): Promise<void> {
  const sent = httpBody(table);
  const answer = await fetch(`http://${LOOPBACK}:${port}${HTTP_PATH}`, {
    method: 'POST',
    headers: { ...sent.headers, 'accept-encoding': 'identity' },
    body: Buffer.from(sent.body, 'base64'),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200)
    throw new Failure(`grpc: HTTP is answered ${answer.status}: ${bytes.toString()}`);
  const ofHttp = bytes.subarray(Number(answer.headers.get(HEADER_LENGTH)));

  const client = grpcClient(`http://${LOOPBACK}:${grpcPort}`);
  try {
    const called = await client.call(INFER.path, Buffer.from(grpcBody(table).body, 'base64'));
    if (called.status !== '0')
      throw new Failure(`grpc: a call is answered ${called.status}: ${called.message}`);
    const { raw_output_contents: [label = ''] = [] } = grpcMessageOf(INFER, called.body) as {
      raw_output_contents?: string[];
    };
    if (ofHttp.length === 0 || ofHttp.toString('base64') !== label)
      throw new Failure('grpc and HTTP predict different things for the same rows');
  } finally {
    client.close();
  }
}

/** Raw tensors by gRPC and by V2's binary extension over HTTP, in turn on one server. */
export const grpc: Part<readonly GrpcResult[]> = {
  name: 'grpc',
  field: 'grpc',
  steps: ({ plan }) => 1 + WAY_NAMES.length * SIZES.length * plan.rounds,
  run: async ({ context, plan, repository, table }, progress) => {
    progress.step('grpc: warming up');
    const grpcPort = await freePort();
    const server = await startServer(context, { name: 'server', repository, grpcPort });
    const send = async (
      { files, underWay }: { readonly files: Readonly<Record<Way, string>>; readonly underWay: number },
      way: Way,
      limits: Pick<CallOrder, 'seconds' | 'calls'>,
    ): Promise<GrpcSample> => {
      await settle(context, server);
      const before = treeCpuSeconds(server.pids);
      const { calls, seconds } = await runCaller(context, {
        ...(way === 'http'
          ? ({ protocol: 'http', port: server.port, path: HTTP_PATH } as const)
          : ({ protocol: 'grpc', port: grpcPort, path: INFER.path } as const)),
        ...{ host: LOOPBACK, bodies: files[way], underWay, ...limits },
        connections: way === 'shared' ? 1 : underWay,
      });
      const cpuSeconds = treeCpuSeconds(server.pids) - before;
      if (cpuSeconds <= 0) throw new Failure('grpc: the processes changed during a measurement');
      return { microseconds: (cpuSeconds / calls) * 1e6, callsPerSecond: calls / seconds };
    };
    const sizes = [];
    for (const { rows, underWay, warmUp } of SIZES) {
      const tables = tablesOf(table, rows);
      await requireSame(server.port, grpcPort, tables[0] as Table);
      const ofGrpc = await writeBodies(context, 'grpc', tables);
      const files = { http: await writeBodies(context, 'http', tables), grpc: ofGrpc, shared: ofGrpc };
      const samples = { http: [] as GrpcSample[], grpc: [] as GrpcSample[], shared: [] as GrpcSample[] };
      const size = { rows, underWay, files, samples };
      for (const way of WAY_NAMES) await send(size, way, { seconds: WARM_UP_SECONDS, calls: warmUp });
      sizes.push(size);
    }
    for (let round = 1; round <= plan.rounds; round++) {
      for (const size of sizes) {
        // Each way goes first in turn: the machine may change within a round.
        const first = (round - 1) % WAY_NAMES.length;
        for (const way of [...WAY_NAMES.slice(first), ...WAY_NAMES.slice(0, first)]) {
          progress.step(`grpc, round ${round} of ${plan.rounds}: ${many(size.rows, 'row')}, ${WAYS[way]}`);
          size.samples[way].push(await send(size, way, { seconds: plan.seconds, calls: MOST_CALLS }));
        }
      }
    }
    await server.stop();
    return sizes.map(({ rows, samples }) => ({ rows, ...samples }));
  },
  table: (results) => {
    const rows = results.flatMap((result) =>
      WAY_NAMES.map((way) => [
        `${many(result.rows, 'row')}, ${WAYS[way]}`,
        spreadText(spread(result[way].map(({ microseconds }) => microseconds))),
        spreadText(spread(ratios(result, way))),
        spreadText(spread(result[way].map(({ callsPerSecond }) => callsPerSecond))),
      ]),
    );
    const header = ['', 'µs a call', "times HTTP's", 'calls/s'];
    return `gRPC, CPU of server and nginx\n${renderTable(header, rows, 1)}`;
  },
  bounds: (results = []) =>
    SIZES.map(({ rows, limit }): Bound => {
      const measured = results.find((result) => result.rows === rows);
      return {
        id: `grpc-${rows}`,
        what: `${many(rows, 'row')}, raw tensors: CPU of a call by gRPC, against V2 binary over HTTP`,
        holds: 'at most',
        limit,
        unit: '',
        measured: measured && spreadOf(ratios(measured, 'grpc')),
        needs: '--parts grpc',
      };
    }),
};

/** Times as much CPU as over HTTP, for each round. */
const ratios = (result: GrpcResult, way: Way): number[] =>
  result[way].map(
    ({ microseconds }, round) => microseconds / (result.http[round] as GrpcSample).microseconds,
  );
