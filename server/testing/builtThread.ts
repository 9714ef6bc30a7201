import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HOME } from '../platform/install.ts';

/** The built form of a thread's entry (`worker/main`): tests run from sources, but a thread can't. */
export function builtThread(entry: string): URL {
  const path = join(HOME, 'dist', `${entry}.js`);
  if (!existsSync(path))
    throw new Error(`dist/${entry}.js is missing: threads run built code, so \`npm run build\` first`);
  return pathToFileURL(path);
}
