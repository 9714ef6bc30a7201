import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fromHome } from '../platform/install.ts';

/** The environment that scripts/test.sh makes of these pins. */
function folderOf(pins: string): string {
  const digest = createHash('sha256')
    .update(readFileSync(fromHome(pins)))
    .digest('hex');
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'servemodel', `python-${digest.slice(0, 12)}`);
}

const folder = folderOf('scripts/testing/kserve-requirements.txt');

/** The Python that has KServe's client. */
export const kservePython = join(folder, 'bin/python');

/** Why tests that need it can't run here, or undefined where they can. */
export const kserveMissing: string | undefined = existsSync(join(folder, '.complete'))
  ? undefined
  : "skipped, the Python environment of KServe's client is missing: ./scripts/test.sh makes it";

/** A test's title that carries the reason when it is skipped. */
export const needsKserve = (title: string): string => (kserveMissing ? `${title} (${kserveMissing})` : title);
