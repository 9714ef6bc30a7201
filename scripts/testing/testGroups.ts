import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The helpers that need what scripts/test.sh makes beside the first tests: Go programs, Python environments. */
const MADE = ['goPrograms', 'protocolClients', 'trainingPython'].map((name) => `server/testing/${name}.ts`);
/** Starts whole servers. */
const SERVER = 'server/testing/startServer.ts';
/** The name of a test that measures speed: nothing may run beside it. */
const SPEED = '/speed.test.ts';

/** Paths of the files that a file imports, of those that these import, and so on. */
function importsOf(path: string, seen = new Set<string>()): Set<string> {
  // A generated file may not be there yet.
  if (seen.has(path) || !existsSync(path)) return seen;
  seen.add(path);
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(
    /^(?:import|export|\} from)[^;]*?'(\.[^']+\.ts)'/gm,
  ))
    importsOf(normalize(join(dirname(path), name)), seen);
  return seen;
}

const testFiles = (): string[] =>
  ['server', 'worker', 'proxy', 'scripts', 'deploy']
    .flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)),
    )
    .filter((path) => path.endsWith('.test.ts'))
    .sort();

/** The test files by what they tolerate beside them and what they wait for. */
export interface TestGroups {
  /** Needs npm packages alone, and may run beside others. */
  readonly unit: readonly string[];
  /** The proxy without a server: needs nginx, too. */
  readonly nginx: readonly string[];
  /** Starts programs and whole servers: needs the system packages, and nothing else running. */
  readonly servers: readonly string[];
  /** The same with what scripts/test.sh makes. */
  readonly made: readonly string[];
}

/** Whether a test starts whole servers, or programs: all do in these rooms. */
const isSerial = (path: string, imports: ReadonlySet<string>): boolean =>
  path.endsWith(SPEED) ||
  ['deploy/', 'scripts/', 'server/e2e/'].some((room) => path.startsWith(room)) ||
  (path.startsWith('proxy/') && imports.has(SERVER));

function groupOf(path: string): keyof TestGroups {
  const imports = importsOf(path);
  if (MADE.some((file) => imports.has(file))) return 'made';
  if (isSerial(path, imports)) return 'servers';
  return path.startsWith('proxy/') ? 'nginx' : 'unit';
}

/** Sorts all test files below the current folder, the checkout, into groups. */
export function sortTests(): TestGroups {
  const groups: Record<keyof TestGroups, string[]> = { unit: [], nginx: [], servers: [], made: [] };
  for (const path of testFiles()) groups[groupOf(path)].push(path);
  return groups;
}
