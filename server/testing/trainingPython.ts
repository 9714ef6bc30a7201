import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fromHome } from '../platform/install.ts';

const hash = createHash('sha256').update(readFileSync(fromHome('scripts/models/requirements.txt')));
const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
const folder = join(cache, 'servemodel', `training-${hash.digest('hex').slice(0, 12)}`);

/** Python with the libraries that train, as scripts/test.sh makes it. */
export const trainingPython = join(folder, 'bin/python');

/** Why tests that need it can't run here, or undefined where they can. */
export const trainingMissing: string | undefined = existsSync(join(folder, '.complete'))
  ? undefined
  : 'skipped, the Python environment of the training tests is missing: ./scripts/test.sh makes it';
