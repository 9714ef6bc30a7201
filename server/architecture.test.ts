import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKOUT } from './testing/startServer.ts';

const SERVER = join(CHECKOUT, 'server');
const { FLOORS } = (await import(join(CHECKOUT, 'eslint.config.js'))) as {
  readonly FLOORS: Readonly<Record<string, readonly string[]>>;
};
const ROOMS = Object.values(FLOORS).flat();
/** Folders of test code: they may import anything, and no product code imports them. */
const TEST_ROOMS = ['e2e', 'testing'];
const MAX_SOURCES = 20;

const isSource = (path: string): boolean =>
  path.endsWith('.ts') && !path.endsWith('.test.ts') && !/(^|\/)(testing|e2e)\//.test(path);

const sources = readdirSync(SERVER, { recursive: true, encoding: 'utf8' }).filter(isSource);

/** The files of server/ that a file imports, types included, relative to server/. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(SERVER, path), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)'/g)]
    .map(([, target = '']) => normalize(join(dirname(path), target)))
    .filter((target) => !target.startsWith('..'));
}

const graph = new Map(sources.map((path) => [path, importsOf(path)]));

/** Strongly connected components of more than one file (Tarjan 1972). */
function findCircles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) as number);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!edges.has(next)) continue;
      if (!index.has(next)) visit(next);
      else if (!stack.includes(next)) continue;
      low.set(node, Math.min(low.get(node) as number, low.get(next) as number));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return circles;
}

describe('the imports of server/', () => {
  it('are read', () => {
    expect(graph.get('main.ts')).toContain('settings/settings.ts');
  });

  it('go down the floors', () => {
    const roomOf = (path: string): number => ROOMS.indexOf(path.split('/')[0] as string);
    const up = [...graph].flatMap(([path, targets]) =>
      targets
        .filter((target) => path.includes('/') && target.includes('/') && roomOf(target) > roomOf(path))
        .map((target) => `${path} → ${target}`),
    );
    expect(up).toEqual([]);
  });

  it('make no circle', () => {
    expect(findCircles(graph)).toEqual([]);
    expect(
      findCircles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual([['b', 'c']]);
  });
});

describe('the folders of server/', () => {
  const entries = readdirSync(SERVER, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

  it('are the rooms', () => {
    expect(folders.sort()).toEqual([...ROOMS, ...TEST_ROOMS].sort());
  });

  it('hold all but the entries', () => {
    const loose = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(loose.sort()).toEqual(['architecture.test.ts', 'healthcheck.ts', 'main.ts', 'messages.ts']);
  });

  it(`hold at most ${MAX_SOURCES} sources each`, () => {
    const counts = new Map<string, number>();
    for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_SOURCES)).toEqual([]);
  });
});

it('ARCHITECTURE.md has the same floors, and every room', () => {
  const page = readFileSync(join(CHECKOUT, 'ARCHITECTURE.md'), 'utf8');
  const picture = Object.entries(FLOORS).map(([floor, rooms]) => [floor, ...rooms]);
  const drawn = [...page.matchAll(/^ \d {2}(\w+) +(\w+\/.*)$/gm)].map(([, floor, rooms = '']) => [
    floor,
    ...rooms
      .trim()
      .split(/\s+/)
      .map((room) => room.replace(/\/$/, '')),
  ]);
  expect(drawn.toReversed()).toEqual(picture);
  for (const room of ROOMS) expect(page).toContain(`| \`${room}/\``);
});
