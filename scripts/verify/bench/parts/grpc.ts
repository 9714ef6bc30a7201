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
import { prepareMlserver, preparePeers } from '../peers.ts';
import type { Plan } from '../plan.ts';
import { treeCpuSeconds } from '../processTree.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import { startMlserver } from '../subjects/mlserver.ts';
import { startServer } from '../subjects/server.ts';
import { PEERS } from '../subjects/subject.ts';
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
  /** With a row, where peers are measured. */
  readonly mlserver?: readonly GrpcSample[] | undefined;
}

/** What is called. */
interface Aim extends Pick<CallOrder, 'protocol' | 'port' | 'path' | 'connections' | 'bodies' | 'underWay'> {
  readonly pids: readonly number[];
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

async function measureCalls(
  context: Context,
  { pids, ...order }: Aim,
  limits: Pick<CallOrder, 'seconds' | 'calls'>,
): Promise<GrpcSample> {
  await settle(context, { pids });
  const before = treeCpuSeconds(pids);
  const { calls, seconds } = await runCaller(context, { ...order, host: LOOPBACK, ...limits });
  const cpuSeconds = treeCpuSeconds(pids) - before;
  if (cpuSeconds <= 0) throw new Failure('grpc: the processes changed during a measurement');
  return { microseconds: (cpuSeconds / calls) * 1e6, callsPerSecond: calls / seconds };
}

/** @returns the bytes of the labels */
async function labelsByHttp(port: number, table: Table): Promise<string> {
  const sent = httpBody(table);
  const answer = await fetch(`http://${LOOPBACK}:${port}${HTTP_PATH}`, {
    method: 'POST',
    headers: { ...sent.headers, 'accept-encoding': 'identity' },
    body: Buffer.from(sent.body, 'base64'),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200)
    throw new Failure(`grpc: HTTP is answered ${answer.status}: ${bytes.toString()}`);
  return bytes.subarray(Number(answer.headers.get(HEADER_LENGTH))).toString('base64');
}

/** @throws {Failure} when a server gives other labels by gRPC */
async function requireLabels(port: number, table: Table, labels: string): Promise<void> {
  const client = grpcClient(`http://${LOOPBACK}:${port}`);
  try {
    const answer = await client.call(INFER.path, Buffer.from(grpcBody(table).body, 'base64'));
    if (answer.status !== '0')
      throw new Failure(`grpc: a call is answered ${answer.status}: ${answer.message}`);
    const { raw_output_contents: [label] = [] } = grpcMessageOf(INFER, answer.body) as {
      raw_output_contents?: string[];
    };
    if (labels === '' || label !== labels)
      throw new Failure('grpc: there are other predictions by gRPC than over HTTP');
  } finally {
    client.close();
  }
}

/** Raw tensors by gRPC and by V2's binary extension over HTTP, in turn on one server; with peers, MLServer too. */
export const grpc: Part<readonly GrpcResult[]> = {
  name: 'grpc',
  field: 'grpc',
  steps: ({ plan }) =>
    1 + WAY_NAMES.length * SIZES.length * plan.rounds + (hasPeers(plan) ? 1 + plan.rounds : 0),
  run: async ({ context, plan, repository, table }, progress) => {
    progress.step('grpc: warming up');
    const grpcPort = await freePort();
    const server = await startServer(context, { name: 'server', repository, grpcPort });
    const sizes = [];
    for (const { rows, underWay, warmUp } of SIZES) {
      const tables = tablesOf(table, rows);
      const first = tables[0] as Table;
      await requireLabels(grpcPort, first, await labelsByHttp(server.port, first));
      const bodies = await writeBodies(context, 'grpc', tables);
      const byGrpc = { protocol: 'grpc', port: grpcPort, path: INFER.path, bodies } as const;
      const common = { pids: server.pids, underWay, connections: underWay };
      const aims: Readonly<Record<Way, Aim>> = {
        http: {
          ...{ ...common, protocol: 'http', port: server.port, path: HTTP_PATH },
          bodies: await writeBodies(context, 'http', tables),
        },
        grpc: { ...common, ...byGrpc },
        shared: { ...common, ...byGrpc, connections: 1 },
      };
      const warm = { seconds: WARM_UP_SECONDS, calls: warmUp };
      for (const way of WAY_NAMES) await measureCalls(context, aims[way], warm);
      const samples = { http: [] as GrpcSample[], grpc: [] as GrpcSample[], shared: [] as GrpcSample[] };
      sizes.push({ rows, aims, samples });
    }
    const limits = { seconds: plan.seconds, calls: MOST_CALLS };
    const mlserver: GrpcSample[] = [];
    let peer: Aim | undefined;
    if (hasPeers(plan)) {
      progress.step('grpc: MLServer');
      const [{ aims }] = sizes as [(typeof sizes)[number]];
      const { pipeline } = await preparePeers(context, progress.say);
      const python = await prepareMlserver(context, progress.say);
      const started = await startMlserver(context, python, pipeline, table);
      const first = tablesOf(table, 1)[0] as Table;
      await requireLabels(started.grpcPort, first, await labelsByHttp(server.port, first));
      peer = { ...aims.grpc, pids: started.pids, port: started.grpcPort };
      await measureCalls(context, peer, limits);
    }
    for (let round = 1; round <= plan.rounds; round++) {
      const step = `grpc, round ${round} of ${plan.rounds}`;
      for (const { rows, aims, samples } of sizes) {
        // Each way goes first in turn: the machine may change within a round.
        const first = (round - 1) % WAY_NAMES.length;
        for (const way of [...WAY_NAMES.slice(first), ...WAY_NAMES.slice(0, first)]) {
          progress.step(`${step}: ${many(rows, 'row')}, ${WAYS[way]}`);
          samples[way].push(await measureCalls(context, aims[way], limits));
        }
      }
      if (!peer) continue;
      progress.step(`${step}: 1 row, MLServer`);
      mlserver.push(await measureCalls(context, peer, limits));
    }
    await server.stop();
    return sizes.map(({ rows, samples }) => ({
      ...{ rows, ...samples },
      ...(peer && rows === 1 ? { mlserver } : {}),
    }));
  },
  table: (results) => {
    const line = (what: string, ofHttp: readonly GrpcSample[], samples: readonly GrpcSample[]): string[] => [
      what,
      spreadText(spread(samples.map(({ microseconds }) => microseconds))),
      spreadText(spread(ratios(samples, ofHttp))),
      spreadText(spread(samples.map(({ callsPerSecond }) => callsPerSecond))),
    ];
    const rows = results.flatMap(({ rows: size, mlserver, ...samples }) => [
      ...WAY_NAMES.map((way) => line(`${many(size, 'row')}, ${WAYS[way]}`, samples.http, samples[way])),
      ...(mlserver ? [line(`${many(size, 'row')}, MLServer by gRPC`, samples.http, mlserver)] : []),
    ]);
    const header = ['', 'µs a call', "times HTTP's", 'calls/s'];
    return `gRPC, CPU of server and nginx\n${renderTable(header, rows, 1)}`;
  },
  bounds: (results = []) => {
    const of = (size: number): GrpcResult | undefined => results.find(({ rows }) => rows === size);
    const single = of(1);
    return [
      ...SIZES.map(({ rows, limit }): Bound => {
        const measured = of(rows);
        return {
          id: `grpc-${rows}`,
          what: `${many(rows, 'row')}, raw tensors: CPU of a call by gRPC, against V2 binary over HTTP`,
          holds: 'at most',
          limit,
          unit: '',
          measured: measured && spreadOf(ratios(measured.grpc, measured.http)),
          needs: '--parts grpc',
        };
      }),
      {
        id: 'grpc-mlserver',
        what: "1 row, raw tensors: CPU of a call by MLServer's gRPC, against ours",
        holds: 'at least',
        limit: 20,
        unit: '',
        measured: single?.mlserver && spreadOf(ratios(single.mlserver, single.grpc)),
        needs: '--parts grpc --peers',
      },
    ];
  },
};

const hasPeers = ({ subjects }: Plan): boolean => PEERS.some((peer) => subjects.includes(peer));

/** Times as much CPU as the others, for each round. */
const ratios = (samples: readonly GrpcSample[], others: readonly GrpcSample[]): number[] =>
  samples.map(({ microseconds }, round) => microseconds / (others[round] as GrpcSample).microseconds);
