import { join } from 'node:path';
import type { Context } from '../context.ts';
import { MODEL, VERSION } from '../rows.ts';
import { startProxied } from './proxied.ts';
import type { Subject } from './subject.ts';

/** Starts what one writes first, so that the gain of the batching stays visible. */
export function startNaive(context: Context, repository: string): Promise<Subject> {
  return startProxied(context, {
    name: 'naive',
    program: new URL('./naiveProcess.js', import.meta.url),
    args: [join(repository, MODEL, VERSION)],
  });
}
