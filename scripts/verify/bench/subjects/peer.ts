import { startChild } from '../child.ts';
import type { ChildOptions } from '../child.ts';
import type { Context } from '../context.ts';
import type { Subject } from './subject.ts';
import { answers, until } from './subject.ts';

/** Python imports all of scikit-learn in each process. */
const START_TIMEOUT_MS = 120_000;

/** Starts a peer's server, which is ready once it answers /ping. */
export async function startPeer(
  context: Context,
  subject: Pick<Subject, 'name' | 'port' | 'path' | 'maxConnections' | 'toBody'>,
  program: Pick<ChildOptions, 'command' | 'args' | 'env'>,
): Promise<Subject> {
  const { name, port } = subject;
  const child = startChild({ ...program, name, cwd: context.folder });
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(port, '/ping');
  await until(context, `${name} is ready`, ready, [child], START_TIMEOUT_MS);
  return { ...subject, pids: [child.pid], stop: child.stop };
}
