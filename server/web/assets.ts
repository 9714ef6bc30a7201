import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

/** A file of the web pages, or a page, as it is sent. */
export interface Asset {
  readonly type: string;
  readonly body: string;
  /** Strong: the digest of the body. */
  readonly etag: string;
}

/** The files of the web pages, all in memory. */
export interface Assets {
  /** Part of the path of every file, so that browsers may cache them forever. */
  readonly digest: string;
  /** A script, a style sheet or a picture, by its path below server/web: `apidocs/main.js`. */
  find(path: string): Asset | undefined;
  /** The page of a folder: its index.html, with the path of its files filled in. */
  page(folder: string): Asset;
}

/** The folders of server/web whose files are served. */
const FOLDERS = ['apidocs', 'drift', 'playground', 'shared'];

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** The placeholder in index.html for the path of its files. */
const PLACE = '{{assets}}';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 20);

/** A strong entity tag: the digest of the body. */
export const etagOf = (body: string): string => `"${digestOf(body)}"`;

const readFiles = (root: string, folder: string): [path: string, body: string][] => {
  let names: string[];
  try {
    names = readdirSync(join(root, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => extname(name) in TYPES)
    .sort()
    .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')]);
};

/**
 * Reads the built files of the pages.
 *
 * One digest of all files is the folder in their path (`/assets/<digest>/apidocs/main.js`), so that modules can import
 * each other by relative paths: digests in file names would need a bundler.
 *
 * @param root the built form of server/web
 */
export function readAssets(root: string): Assets {
  const files = FOLDERS.flatMap((folder) => readFiles(root, folder));
  const digest = digestOf(JSON.stringify(files));
  const place = `/assets/${digest}`;
  const assets = new Map<string, Asset>();
  for (const [path, text] of files) {
    const body = path.endsWith('.html') ? text.replaceAll(PLACE, place) : text;
    assets.set(path, { type: TYPES[extname(path)] as string, body, etag: etagOf(body) });
  }
  return {
    digest,
    find: (path) => (path.endsWith('.html') ? undefined : assets.get(path)),
    page: (folder) => {
      const page = assets.get(`${folder}/index.html`);
      if (!page) throw new Error(`${root} has no page ${folder}: npm run build makes it`);
      return page;
    },
  };
}
