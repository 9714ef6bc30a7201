import { describe, expect, it } from 'vitest';
import { Failure } from '../../cli/faults.ts';
import { parseOptions } from './options.ts';
import { parseRows, tablesOf } from './rows.ts';

describe('the command line', () => {
  it('has a default for everything', () => {
    expect(parseOptions([])).toMatchObject({
      subjects: ['echo', 'server', 'direct', 'naive'],
      rounds: 5,
      seconds: 3,
      parts: [
        'rounds',
        'file',
        'neighbour',
        'memory',
        'start',
        'overload',
        'compiler',
        'load',
        'scrape',
        'drift',
        'explain',
        'grpc',
        'idle',
        'models',
      ],
      compare: undefined,
      strict: false,
    });
    expect(parseOptions([])?.cells.map(({ rows, connections }) => `${rows}x${connections}`)).toEqual([
      '1x1',
      '1x16',
      '1x64',
      '1x512',
      '10x64',
      '100x64',
      '1000x16',
      '10000x4',
    ]);
  });

  it('takes lists, and adds the peers', () => {
    const options = parseOptions([
      '--subjects=server,mlflow',
      '--peers',
      '--rows=1,100',
      '--connections',
      '2,3',
    ]);
    expect(options?.subjects).toEqual(['server', 'mlflow', 'fastapi']);
    expect(options?.cells).toEqual([
      { rows: 1, connections: 2 },
      { rows: 1, connections: 3 },
      { rows: 100, connections: 2 },
      { rows: 100, connections: 3 },
    ]);
  });

  it('is short when it has to be quick', () => {
    expect(parseOptions(['--quick'])).toMatchObject({ rounds: 1, seconds: 1, parts: ['rounds'] });
    expect(parseOptions(['--quick', '--seconds=2'])).toMatchObject({ rounds: 1, seconds: 2 });
    expect(parseOptions(['--quick'])?.cells).toHaveLength(3);
  });

  it('asks for help', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  it.each([
    [['--rows', '0'], '--rows takes integers from 1 to 10000; see --help'],
    [['--rows', '1,,2'], '--rows takes integers from 1 to 10000; see --help'],
    [['--rounds', '1,2'], '--rounds takes integers from 1 to 100; see --help'],
    [['--subjects', 'apache'], '--subjects takes echo, server, direct, naive, fastapi, mlflow; see --help'],
    [
      ['--parts', 'all'],
      '--parts takes rounds, file, neighbour, memory, start, overload, compiler, load, scrape, drift, explain, grpc, idle, models; see --help',
    ],
    [['--fast'], "Unknown option '--fast'"],
    [['fast'], 'Unexpected argument'],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(Failure);
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('the rows', () => {
  it('keep their spaces, and lose their label', () => {
    const text = '|1x3 Cross validator\n25, Private, <=50K.\n\n38, Local-gov, >50K.\n';
    expect(parseRows(text, [true, false])).toEqual([
      [25, ' Private'],
      [38, ' Local-gov'],
    ]);
  });

  it('make many different small bodies and few large ones', () => {
    const table = { columns: ['x'], data: Array.from({ length: 1000 }, (_, x) => [x]) };
    const [first, second, ...rest] = tablesOf(table, 3);
    expect([first?.data, second?.data]).toEqual([
      [[0], [1], [2]],
      [[3], [4], [5]],
    ]);
    expect(rest).toHaveLength(254);
    expect(tablesOf(table, 10_000)).toHaveLength(1);
    expect(tablesOf(table, 10_000)[0]?.data).toHaveLength(10_000);
  });
});
