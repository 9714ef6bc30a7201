import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/faults.ts';
import { PARTS } from './catalogue.ts';
import type { Plan } from './plan.ts';
import { planCells } from './plan.ts';
import type { SubjectName } from './subjects/subject.ts';
import { OWN_SUBJECTS, PEERS, isSubject } from './subjects/subject.ts';

export interface Options extends Plan {
  /** Names of parts. */
  readonly parts: readonly string[];
  /** The JSON file of an earlier run. */
  readonly compare: string | undefined;
  /** The JSON file to write; the picture goes beside it. */
  readonly out: string | undefined;
  /** A bound that doesn't hold is an error. */
  readonly strict: boolean;
}

const NAMES = PARTS.map(({ name }) => name);

export const USAGE = `Usage: npm run bench -- [options]

Measures the server, the floor of its own architecture and other servers on this machine in one run: starts each subject,
sends the same real rows to each in turn, and measures the CPU time of its process tree and the latencies. Prints a table
and whether each bound holds; writes JSON and an SVG picture.

  --subjects LIST     ${[...OWN_SUBJECTS, ...PEERS].join(', ')}; default: ${OWN_SUBJECTS.join(',')}
  --peers             also ${PEERS.join(' and ')}, and MLServer in the part grpc (Python; installed into the cache
                      folder the first time)
  --rows LIST         rows of a body; default: 1,10,100,1000,10000
  --connections LIST  default: 1,16,64,512 for single rows, fewer for large bodies
  --seconds N         length of one measurement; default: 3
  --rounds N          how often each subject is measured in each cell; default: 5
  --parts LIST        ${NAMES.join(', ')}; default: all
  --quick             1 round of 1 s, single rows, --parts rounds
  --compare FILE      also print the changes since the run of this JSON file, in per cent
  --out FILE          the JSON file to write, the picture beside it; default: .bench/<time>.json
  --strict            exit code 1 if a bound doesn't hold
  --help              print this

Subjects: echo is the floor, the same nginx and Hono processes that read and parse a body but send a constant answer;
server is ./servemodel.sh with 2 processes of 1 thread; direct is the same without nginx; naive runs the whole graph in
one task for each request. Needs wrk and nginx. Other programs distort latencies more than CPU time.
`;

/**
 * Reads the command line.
 *
 * @returns undefined when only help was asked for
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const given = parse(args);
  if (given.help) return undefined;
  const { quick = false, peers = false } = given;
  const subjects: SubjectName[] = list(given.subjects, 'subjects', subject) ?? [...OWN_SUBJECTS];
  if (peers) subjects.push(...PEERS.filter((peer) => !subjects.includes(peer)));
  return {
    subjects: [...new Set(subjects)],
    cells: planCells({
      rows: list(given.rows, 'rows', integer(1, 10_000)),
      connections: list(given.connections, 'connections', integer(1, 1000)),
      quick,
    }),
    rounds: one(given.rounds, 'rounds', integer(1, 100)) ?? (quick ? 1 : 5),
    seconds: one(given.seconds, 'seconds', integer(1, 600)) ?? (quick ? 1 : 3),
    parts: list(given.parts, 'parts', part) ?? (quick ? ['rounds'] : NAMES),
    compare: given.compare,
    out: given.out,
    strict: given.strict ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        subjects: { type: 'string' },
        peers: { type: 'boolean' },
        rows: { type: 'string' },
        connections: { type: 'string' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        parts: { type: 'string' },
        quick: { type: 'boolean' },
        compare: { type: 'string' },
        out: { type: 'string' },
        strict: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The value, or which values are allowed: completes the message "--name takes …". */
type Parse<T> = (text: string) => { readonly value: T } | { readonly expected: string };

const integer =
  (min: number, max: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max
      ? { value }
      : { expected: `integers from ${min} to ${max}` };
  };

const subject: Parse<SubjectName> = (text) =>
  isSubject(text) ? { value: text } : { expected: [...OWN_SUBJECTS, ...PEERS].join(', ') };

const part: Parse<string> = (text) =>
  NAMES.includes(text) ? { value: text } : { expected: NAMES.join(', ') };

function list<T>(text: string | undefined, name: string, parseOne: Parse<T>): T[] | undefined {
  return text?.split(',').map((item) => {
    const parsed = parseOne(item.trim());
    if ('expected' in parsed) throw new UsageError(`--${name} takes ${parsed.expected}; see --help`);
    return parsed.value;
  });
}

const one = <T>(text: string | undefined, name: string, parseOne: Parse<T>): T | undefined =>
  text === undefined ? undefined : list(text.replaceAll(',', ' '), name, parseOne)?.[0];
