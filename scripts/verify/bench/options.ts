import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/errors.ts';
import { planCells } from './plan.ts';
import type { Cell } from './results.ts';
import type { SubjectName } from './subjects/names.ts';
import { OWN_SUBJECTS, PEERS, isSubject } from './subjects/names.ts';

/** What a run consists of. */
export const PARTS = [
  'rounds',
  'neighbour',
  'memory',
  'start',
  'compiler',
  'load',
  'scrape',
  'drift',
] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly subjects: readonly SubjectName[];
  readonly cells: readonly Cell[];
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly parts: readonly Part[];
  /** An earlier run's JSON file. */
  readonly compare: string | undefined;
  /** The JSON file to write; the picture goes beside it. */
  readonly out: string | undefined;
  /** A bound that doesn't hold is an error. */
  readonly strict: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]

Measures the server against the floor of its own architecture and against others, on this machine and in one run:
starts each subject, sends it the same real rows in turn, and takes the CPU time of its whole process tree beside
wall time. Prints a table and whether each bound holds, writes JSON and an SVG picture.

  --subjects LIST     ${[...OWN_SUBJECTS, ...PEERS].join(', ')}; default: ${OWN_SUBJECTS.join(',')}
  --peers             also ${PEERS.join(' and ')} (Python; installed into the cache folder the first time)
  --rows LIST         rows of a body; default: 1,10,100,1000,10000
  --connections LIST  default: 1,16,64,512 for single rows, fewer for large bodies
  --seconds N         length of one measurement; default: 3
  --rounds N          how often each subject is measured in each cell; default: 5
  --parts LIST        ${PARTS.join(', ')}; default: all
  --quick             1 round of 1 s, single rows only; no part but rounds
  --compare FILE      an earlier run's JSON file, to compare with in per cent
  --out FILE          where the JSON goes, the picture beside it; default: .bench/<time>.json
  --strict            end with code 1 if a bound doesn't hold
  --help              print this

Subjects: echo is the floor, the same nginx and Hono processes with the body read and parsed but a constant answer;
server is ./servemodel.sh with 2 processes of 1 thread; direct is that without nginx; naive is one task a request
and the whole graph. Needs wrk and nginx. A quiet machine gives quiet numbers: CPU time is moved least by others.
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
    parts: list(given.parts, 'parts', part) ?? (quick ? ['rounds'] : PARTS),
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

/** A value, or what would have been one: completes "--name takes …". */
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

const part: Parse<Part> = (text) => {
  const value = PARTS.find((name) => name === text);
  return value ? { value } : { expected: PARTS.join(', ') };
};

function list<T>(text: string | undefined, name: string, parseOne: Parse<T>): T[] | undefined {
  return text?.split(',').map((item) => {
    const parsed = parseOne(item.trim());
    if ('expected' in parsed) throw new UsageError(`--${name} takes ${parsed.expected}; see --help`);
    return parsed.value;
  });
}

const one = <T>(text: string | undefined, name: string, parseOne: Parse<T>): T | undefined =>
  text === undefined ? undefined : list(text.replaceAll(',', ' '), name, parseOne)?.[0];
