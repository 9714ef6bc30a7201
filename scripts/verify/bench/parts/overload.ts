import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, Interrupted } from '../../../cli/faults.ts';
import { renderTable } from '../../../cli/table.ts';
import type { Bound } from '../bound.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import type { Order, Outcome } from '../crowd/crowd.ts';
import { settle } from '../measure.ts';
import type { Part } from '../part.ts';
import { treeCpuSeconds, treePssBytes } from '../processTree.ts';
import { requireProgram } from '../programs.ts';
import { tablesOf } from '../rows.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import type { Server } from '../subjects/server.ts';
import { startServer } from '../subjects/server.ts';
import { count } from '../text.ts';
import { runToEnd } from '../wrk.ts';

const SIZES = [1, 100, 1000] as const;
/** The offered load, as a multiple of the capacity. */
const FACTOR = 3;
const CLOSED_CONNECTIONS = 64;
/** More than nginx lets in, so that what is beyond is refused and doesn't wait in the generator. */
const OPEN_CONNECTIONS = 3000;
/** Slow bodies that take every place of nginx while refusals alone are measured. */
const HOLDERS = 1200;
/** Bodies that have begun are waited for by nginx for 10 s. */
const LONGEST_REFUSING_SECONDS = 5;
const DEADLINE_MS = 5000;
const GRACE_SECONDS = 10;
const MEGABYTE = 1e6;

/** One size of body in one round. */
export interface OverloadSample {
  readonly rows: number;
  /** Answers a second in a closed loop. */
  readonly capacity: number;
  readonly offered: number;
  readonly sent: number;
  readonly answered: number;
  readonly refused: number;
  /** CPU time of nginx for one refusal, in µs, measured alone. */
  readonly refusalMicroseconds: number;
  readonly latestMs: number;
  readonly unanswered: number;
  readonly pssBytes: number;
}

/** What a server on one CPU answers while three times as much arrives; undefined where there is one CPU. */
export const overload: Part<readonly OverloadSample[] | undefined> = {
  name: 'overload',
  field: 'overload',
  steps: ({ plan }) => 1 + SIZES.length * plan.rounds,
  run: async ({ context, plan, repository, table }, progress) => {
    const [ofServer, ofCrowd] = allowedCpus();
    progress.step('overload: warming up');
    if (ofCrowd === undefined) return undefined;
    const server = await startServer(context, { name: 'server', repository, cpu: ofServer });
    const bodies = new Map<number, string>();
    for (const rows of SIZES) {
      const path = join(context.folder, `crowd.${rows}.jsonl`);
      await writeFile(
        path,
        tablesOf(table, rows)
          .map((body) => `${server.toBody(body)}\n`)
          .join(''),
      );
      bodies.set(rows, path);
    }
    const send = async (rows: number, rate: number, seconds: number): Promise<Outcome> => {
      await settle(context, server);
      const { port, path } = server;
      const connections = rate === 0 ? CLOSED_CONNECTIONS : OPEN_CONNECTIONS;
      const file = bodies.get(rows) as string;
      return runCrowd(context, ofCrowd, {
        ...{
          host: LOOPBACK,
          port,
          path,
          bodies: file,
          connections,
          rate,
          seconds,
          graceSeconds: GRACE_SECONDS,
        },
      });
    };
    for (const rows of SIZES) await send(rows, 0, plan.seconds);
    const samples: OverloadSample[] = [];
    for (let round = 1; round <= plan.rounds; round++) {
      for (const rows of SIZES) {
        progress.step(
          `overload, round ${round} of ${plan.rounds}: ${rows} rows, ${FACTOR} times the capacity`,
        );
        const refusing = Math.min(plan.seconds, LONGEST_REFUSING_SECONDS);
        const refusalMicroseconds = await whileFull(server, async () => {
          const before = treeCpuSeconds(server.pids);
          const { sent } = await send(rows, 0, refusing);
          return ((treeCpuSeconds(server.pids) - before) / sent) * 1e6;
        });
        const closed = await send(rows, 0, plan.seconds);
        const capacity = answeredIn(closed) / closed.seconds;
        const open = await send(rows, capacity * FACTOR, 2 * plan.seconds);
        const answered = answeredIn(open);
        samples.push({
          rows,
          capacity,
          offered: capacity * FACTOR,
          sent: open.sent / open.seconds,
          answered: answered / open.seconds,
          refused: (open.sent - answered) / open.seconds,
          refusalMicroseconds,
          latestMs: Math.max(open.good.max, open.others.max),
          unanswered: open.unanswered,
          pssBytes: treePssBytes(server.pids),
        });
      }
    }
    await server.stop();
    return samples;
  },
  table: (samples) =>
    samples === undefined ? 'Overload: not measured, it needs two CPUs' : tableOf(samples),
  bounds,
};

const answeredIn = ({ byStatus }: Outcome): number => byStatus['200'] ?? 0;

/** The CPUs that this process may use. */
function allowedCpus(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

async function runCrowd({ signal }: Context, cpu: number, order: Order): Promise<Outcome> {
  const program = fileURLToPath(new URL('../crowd/main.js', import.meta.url));
  const args = ['-c', String(cpu), process.execPath, program, JSON.stringify(order)];
  const timeoutMs = (order.seconds + order.graceSeconds + 30) * 1000;
  const output = await runToEnd(requireProgram('taskset'), args, timeoutMs, signal);
  if (signal.aborted) throw new Interrupted();
  try {
    return JSON.parse(output) as Outcome;
  } catch {
    throw new Failure(`overload: the generator failed: ${output.trim() || 'it was silent for too long'}`);
  }
}

/** Runs while slow bodies take every place that nginx has. */
async function whileFull<T>({ port, path }: Server, run: () => Promise<T>): Promise<T> {
  const holders: Socket[] = [];
  try {
    for (let index = 0; index < HOLDERS; index++) {
      const holder = connect({ port, host: LOOPBACK });
      holder.on('error', () => undefined);
      holders.push(holder);
    }
    await Promise.all(holders.map((holder) => once(holder, 'connect')));
    for (const holder of holders)
      holder.write(`POST ${path} HTTP/1.1\r\nhost: ${LOOPBACK}\r\ncontent-length: 2\r\n\r\n{`);
    return await run();
  } finally {
    for (const holder of holders) holder.destroy();
  }
}

/** Answers a second under overload as a share of the capacity. */
const goodput = ({ answered, capacity }: OverloadSample): number => answered / capacity;

/** The same, of what the refusals leave of the CPU. */
const goodputOfRest = (sample: OverloadSample): number =>
  goodput(sample) / (1 - (sample.refused * sample.refusalMicroseconds) / 1e6);

function tableOf(samples: readonly OverloadSample[]): string {
  const columns: readonly (readonly [string, (sample: OverloadSample) => number])[] = [
    ['capacity/s', ({ capacity }) => capacity],
    ['sent/s', ({ sent }) => sent],
    ['answered/s', ({ answered }) => answered],
    ['share', goodput],
    ['µs a refusal', ({ refusalMicroseconds }) => refusalMicroseconds],
    ['latest ms', ({ latestMs }) => latestMs],
    ['PSS MB', ({ pssBytes }) => pssBytes / MEGABYTE],
  ];
  const rows = SIZES.map((size) => {
    const own = samples.filter(({ rows }) => rows === size);
    return [count(size), ...columns.map(([, of]) => spreadText(spread(own.map(of))))];
  });
  return `Overload, ${FACTOR} times the capacity\n${renderTable(['rows', ...columns.map(([title]) => title)], rows, 1)}`;
}

function bounds(samples: readonly OverloadSample[] | undefined = []): Bound[] {
  const needs = '--parts overload on two CPUs';
  const of = (size: number, measure: (sample: OverloadSample) => number) =>
    spreadOf(samples.filter(({ rows }) => rows === size).map(measure));
  const share = (size: number, limit: number, measure: (sample: OverloadSample) => number): Bound => ({
    id: `overload-${size}`,
    what: `${count(size)} ${size === 1 ? 'row' : 'rows'}, ${FACTOR} times the capacity: answers/s against the capacity${size === 1 ? ' that refusals leave' : ''}`,
    holds: 'at least',
    limit,
    unit: '',
    measured: of(size, measure),
    needs,
  });
  const last = samples.filter(({ rows }) => rows === SIZES.at(-1)).map(({ pssBytes }) => pssBytes / MEGABYTE);
  return [
    share(1, 0.9, goodputOfRest),
    share(100, 0.85, goodput),
    share(1000, 0.93, goodput),
    {
      id: 'overload-latest',
      what: 'overload: the latest answer, a refusal too; all are answered',
      holds: 'at most',
      limit: DEADLINE_MS,
      unit: 'ms',
      // Each one counts, so the median is no measure.
      measured: samples.length === 0 ? undefined : spread([Math.max(...samples.map(latest))]),
      needs,
    },
    {
      id: 'overload-memory',
      what: 'overload: growth of the whole tree (PSS) from the first to the last round',
      holds: 'at most',
      limit: 30,
      unit: 'MB',
      measured: last.length < 2 ? undefined : spread([(last.at(-1) as number) - (last[0] as number)]),
      needs: `${needs}, more than one round`,
    },
  ];
}

const latest = ({ latestMs, unanswered }: OverloadSample): number => (unanswered > 0 ? Infinity : latestMs);
