import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS, parseConfig } from './config.ts';
import { readAdultRows } from './testing/adultRows.ts';
import { CHECKOUT } from './testing/startServer.ts';

const README = readFileSync(join(CHECKOUT, 'README.md'), 'utf8');

/** The rows of the table that begins with these heads. */
function readTable(...heads: readonly string[]): string[][] {
  const lines = README.split('\n').map((line) =>
    line.startsWith('|')
      ? line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim())
      : undefined,
  );
  const head = lines.findIndex((cells) => cells?.join() === heads.join());
  if (head < 0) throw new Error(`README.md has no table | ${heads.join(' | ')} |`);
  const rest = lines.slice(head + 2);
  return rest.slice(0, rest.indexOf(undefined)) as string[][];
}

describe('README.md', () => {
  it('lists every setting, and none that does not exist, with its default and meaning', () => {
    const documented = readTable('Variable', 'Default', 'Meaning').map(([name, value, meaning]) => ({
      name,
      value,
      meaning,
    }));
    const real = Object.entries(SETTINGS).map(([name, setting]) => ({
      name: `\`${name}\``,
      value: 'shown' in setting ? setting.shown : `\`${setting.default}\``,
      meaning: setting.meaning,
    }));
    expect(documented).toEqual(real);
  });

  it('says the default of the largest body as it is', () => {
    expect(SETTINGS.MAX_BODY_BYTES.shown).toContain(String(parseConfig({}).MAX_BODY_BYTES));
  });

  const blocks = [...README.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block.trim());

  it('begins with run, ask, test and ship, in this order', () => {
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
