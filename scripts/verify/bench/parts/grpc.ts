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
import { count, many } from '../text.ts';
import { runToEnd } from '../wrk.ts';

/** Rows of a call, the calls that are under way at any time, and what gRPC may cost of HTTP's CPU time. */
const SIZES = [
  { rows: 1, underWay: 16, limit: 1.35 },
  { rows: 1000, underWay: 4, limit: 1.05 },
] as const;
const PROTOCOLS = ['http', 'grpc'] as const;
/** Below nginx's keepalive_requests: a measurement has one connection. */
const MOST_CALLS = 50_000;
/** How long the client may run beyond its time. */
const GRACE_MS = 45_000;

type Protocol = (typeof PROTOCOLS)[number];

/** CPU time of a call, of the whole process tree, in µs: one value for each round. */
export interface GrpcResult {
  readonly rows: number;
  readonly http: readonly number[];
  readonly grpc: readonly number[];
}

/** Writes the bodies of one size. @returns the file */
async function writeBodies(
  { folder }: Context,
  protocol: Protocol,
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
  steps: ({ plan }) => 1 + PROTOCOLS.length * SIZES.length * plan.rounds,
  run: async ({ context, plan, repository, table }, progress) => {
    progress.step('grpc: warming up');
    const grpcPort = await freePort();
    const server = await startServer(context, { name: 'server', repository, grpcPort });
    const results = SIZES.map(({ rows, underWay }) => ({
      ...{ rows, underWay, tables: tablesOf(table, rows) },
      ...{ files: new Map<Protocol, string>(), http: [] as number[], grpc: [] as number[] },
    }));
    /** @returns CPU time of a call in µs */
    const send = async (
      { underWay, files }: (typeof results)[number],
      protocol: Protocol,
    ): Promise<number> => {
      await settle(context, server);
      const before = treeCpuSeconds(server.pids);
      const { calls } = await runCaller(context, {
        ...{ protocol, host: LOOPBACK, bodies: files.get(protocol) as string, underWay },
        ...(protocol === 'grpc'
          ? { port: grpcPort, path: INFER.path }
          : { port: server.port, path: HTTP_PATH }),
        ...{ seconds: plan.seconds, calls: MOST_CALLS },
      });
      const cpuSeconds = treeCpuSeconds(server.pids) - before;
      if (cpuSeconds <= 0) throw new Failure('grpc: the processes changed during a measurement');
      return (cpuSeconds / calls) * 1e6;
    };
    for (const size of results) {
      await requireSame(server.port, grpcPort, size.tables[0] as Table);
      for (const protocol of PROTOCOLS) {
        size.files.set(protocol, await writeBodies(context, protocol, size.tables));
        await send(size, protocol);
      }
    }
    for (let round = 1; round <= plan.rounds; round++) {
      // The one that goes first may find another machine: they take turns.
      const order = round % 2 === 1 ? PROTOCOLS : PROTOCOLS.toReversed();
      for (const size of results) {
        for (const protocol of order) {
          progress.step(`grpc, round ${round} of ${plan.rounds}: ${many(size.rows, 'row')} by ${protocol}`);
          size[protocol].push(await send(size, protocol));
        }
      }
    }
    await server.stop();
    return results.map(({ rows, http, grpc: ofGrpc }) => ({ rows, http, grpc: ofGrpc }));
  },
  table: (results) => {
    const rows = results.map((result) => [
      count(result.rows),
      spreadText(spread(result.http)),
      spreadText(spread(result.grpc)),
      spreadText(spread(ratios(result))),
    ]);
    const header = ['rows', 'µs a call, V2 binary over HTTP', 'gRPC', 'times'];
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
        measured: measured && spreadOf(ratios(measured)),
        needs: '--parts grpc',
      };
    }),
};

/** Times as much CPU by gRPC as over HTTP, for each round. */
const ratios = ({ http, grpc: ofGrpc }: GrpcResult): number[] =>
  ofGrpc.map((microseconds, round) => microseconds / (http[round] as number));
