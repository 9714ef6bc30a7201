import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKOUT } from '../testing/startServer.ts';

const pagesIn = (folder: string): string[] =>
  readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const PAGES = [
  ...readdirSync(CHECKOUT).filter((name) => name.endsWith('.md')),
  ...pagesIn('docs'),
  ...pagesIn('models'),
  ...pagesIn('deploy'),
].sort();

const withoutCode = (text: string): string =>
  text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** The anchors of a page's headings, as git hosts make them: `## A model's form` is #a-models-form. */
const anchorsOf = (path: string): string[] =>
  [
    ...readFileSync(path, 'utf8')
      .replaceAll(/^```[^]*?^```$/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );

/** The relative links of a page whose file or heading is missing. */
function deadLinks(page: string): string[] {
  const links = [...withoutCode(readFileSync(join(CHECKOUT, page), 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)];
  return links
    .map(([, link = '']) => link)
    .filter((link) => !/^\w+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? join(CHECKOUT, page) : resolve(CHECKOUT, dirname(page), path);
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
    });
}

describe('the pages', () => {
  it.each(PAGES)('%s has no dead link', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('are all in docs/README.md', () => {
    const list = readFileSync(join(CHECKOUT, 'docs/README.md'), 'utf8');
    const listed = [...list.matchAll(/^- \[(\S+)\]\(\1\): \S/gm)].map(([, path = '']) => join('docs', path));
    expect(listed.sort()).toEqual(
      pagesIn('docs')
        .filter((page) => page !== 'docs/README.md')
        .sort(),
    );
  });
});

/** Comments, messages and manifests name pages by their path from the checkout. */
describe('the names of pages in files', () => {
  const FOLDERS = ['server', 'worker', 'proxy', 'scripts', 'deploy'];
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|py|sh|ya?ml|html|json|css|c)$/.test(name) && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  );
  const named = [
    ...files,
    'compose.yaml',
    'servemodel.sh',
    'Dockerfile',
    'nginx.conf',
    ...readdirSync(CHECKOUT).filter((name) => name.endsWith('.md')),
  ].flatMap((file) =>
    [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/(?<![\w./-])docs\/[\w/-]+\.md/g)].map(
      ([page]) => [file, page] as const,
    ),
  );

  it('are those of pages that exist', () => {
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(([, page]) => !existsSync(join(CHECKOUT, page)))).toEqual([]);
  });
});
