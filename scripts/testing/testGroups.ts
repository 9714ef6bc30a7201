import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The helpers that need what scripts/test.sh makes beside the first tests: Go programs, a Python environment. */
const MADE = ['server/testing/goPrograms.ts', 'server/testing/protocolClients.ts'];
/** Measures speed. */
const SPEED = 'worker/forest/speed.test.ts';

/** Paths of the files that a file imports, and of those that these import. */
function closureOf(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(
    /^(?:import|export|\} from)[^;]*?'(\.[^']+\.ts)'/gm,
  ))
    closureOf(normalize(join(dirname(path), name)), seen);
  return seen;
}

const testFiles = (): string[] =>
  ['server', 'worker', 'proxy', 'scripts', 'deploy']
    .flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)),
    )
    .filter((path) => path.endsWith('.test.ts'))
    .sort();

/** The test files by what they tolerate and what they wait for. */
export interface TestGroups {
  /** Needs npm packages alone, and may run beside others. */
  readonly unit: readonly string[];
  /** Needs nginx, too. */
  readonly nginx: readonly string[];
  /** Starts programs and whole servers: system packages, and nothing else running. */
  readonly servers: readonly string[];
  /** The same with what scripts/test.sh makes. */
  readonly made: readonly string[];
}

/** Sorts all test files of the checkout, the current folder, into groups. */
export function sortTests(): TestGroups {
  const groups = {
    unit: [] as string[],
    nginx: [] as string[],
    servers: [] as string[],
    made: [] as string[],
  };
  for (const path of testFiles()) {
    const needsMade = [...closureOf(path)].some((file) => MADE.includes(file));
    const serial = !/^(server|worker)\//.test(path) || path.startsWith('server/e2e/') || path === SPEED;
    groups[needsMade ? 'made' : path.startsWith('proxy/') ? 'nginx' : serial ? 'servers' : 'unit'].push(path);
  }
  return groups;
}
