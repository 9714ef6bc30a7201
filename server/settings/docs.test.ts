import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Setting } from './parsers.ts';
import { SETTINGS, parseConfig } from './settings.ts';
import { readAdultRows } from '../testing/adultRows.ts';
import { CHECKOUT } from '../testing/startServer.ts';

const README = readFileSync(join(CHECKOUT, 'README.md'), 'utf8');
const SETTINGS_PAGE = readFileSync(join(CHECKOUT, 'docs/settings.md'), 'utf8');

/** The rows of a page's tables whose first cell is the name of a setting. */
const readSettings = (page: string): string[][] =>
  page
    .split('\n')
    .filter((line) => /^\| `[A-Z0-9_]+` /.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );

const SETTING_ROWS = Object.entries<Setting>(SETTINGS).map(([name, setting]) => [
  `\`${name}\``,
  setting.shown ?? `\`${String(setting.default)}\``,
  setting.meaning,
]);

describe('docs/settings.md', () => {
  it('lists exactly the settings that exist, in the order of the table, with defaults and meanings', () => {
    expect(readSettings(SETTINGS_PAGE)).toEqual(SETTING_ROWS);
  });
});

describe('README.md', () => {
  it('describes settings as docs/settings.md does', () => {
    const listed = readSettings(README);
    expect(listed.length).toBeGreaterThan(10);
    for (const row of listed) expect(SETTING_ROWS).toContainEqual(row);
  });

  it('gives the default of the largest body as it is', () => {
    expect(SETTINGS.MAX_BODY_BYTES.shown).toContain(String(parseConfig({}).MAX_BODY_BYTES));
  });

  const blocks = [...README.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block.trim());

  it('begins with run, call, test and ship, in this order', () => {
    expect(blocks.slice(0, 4)).toEqual([
      './servemodel.sh',
      expect.stringContaining('curl -X POST localhost:5000/predict'),
      './scripts/test.sh',
      'docker build -t servemodel . && docker run -d -p 5000:5000 servemodel',
    ]);
  });

  it.each(['servemodel.sh', 'scripts/test.sh'])('names %s, which can be run', (path) => {
    expect(blocks).toContain(`./${path}`);
    expect(statSync(join(CHECKOUT, path)).mode & 0o111).toBe(0o111);
  });

  it('has an example for the default port, whose body is JSON for the whole signature', () => {
    const [, body = ''] = /-d '(.*)'\n/.exec(blocks[1] ?? '') ?? [];
    const { columns, data } = JSON.parse(body) as { columns: string[]; data: unknown[][] };
    const { inputs } = JSON.parse(readFileSync(join(CHECKOUT, 'models/adult/1/model.json'), 'utf8')) as {
      inputs: { name: string }[];
    };
    expect(columns).toEqual(inputs.map(({ name }) => name));
    expect(data.map((row) => row.length)).toEqual([readAdultRows()[0]?.cells.length]);
    expect(blocks[1]).toContain('# {"predictions":[" <=50K"]}');
    expect(parseConfig({}).PORT).toBe(5000);
  });

  it('links to files that exist', () => {
    const links = [...README.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((path) => !existsSync(join(CHECKOUT, path)))).toEqual([]);
  });
});
