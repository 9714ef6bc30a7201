import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { startProxied } from './proxied.ts';
import type { Answer, Subject } from './subject.ts';

/** Headers that the echo's own nginx and Node write. */
const OF_TRANSPORT = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'];

/**
 * Starts the floor: what any server of this shape has to do for a request.
 *
 * @param answers the server's real answers, by the number of rows
 */
export async function startEcho(context: Context, answers: ReadonlyMap<number, Answer>): Promise<Subject> {
  const constant = [...answers].map(([rows, { headers, body }]): [number, Answer] => {
    const own = Object.entries(headers).filter(([name]) => !OF_TRANSPORT.includes(name));
    return [rows, { headers: Object.fromEntries(own), body }];
  });
  const file = join(await mkdtemp(join(context.folder, 'answers.')), 'answers.json');
  await writeFile(file, JSON.stringify(constant));
  return startProxied(context, {
    name: 'echo',
    program: new URL('./echoProcess.js', import.meta.url),
    args: [file],
  });
}
