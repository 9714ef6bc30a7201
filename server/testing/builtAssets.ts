import { join } from 'node:path';
import { HOME } from '../platform/install.ts';
import type { Assets } from '../web/assets.ts';
import { readAssets } from '../web/assets.ts';

let assets: Assets | undefined;

/** The built files of the pages: their scripts are compiled, as browsers take no TypeScript. Read once. */
export const builtAssets = (): Assets => (assets ??= readAssets(join(HOME, 'dist/server/web')));
