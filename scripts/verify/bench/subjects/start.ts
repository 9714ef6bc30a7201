import type { Context } from '../context.ts';
import { Failure } from '../../../cli/faults.ts';
import { preparePeers } from '../peers.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { startFastapi, startMlflow } from './peers.ts';
import { startEcho, startNaive } from './proxied.ts';
import { readEngine, startServer } from './server.ts';
import type { Answer, Subject, SubjectName } from './subject.ts';
import { PEERS, ask } from './subject.ts';

export interface StartOptions {
  readonly names: readonly SubjectName[];
  /** A model repository that holds the measured version alone. */
  readonly repository: string;
  /** The model's test split. */
  readonly table: Table;
  /** Sizes of the bodies that will be sent. */
  readonly rows: readonly number[];
  readonly say: (text: string) => void;
}

export interface Started {
  readonly subjects: readonly Subject[];
  readonly engine: string;
}

const firstTable = (table: Table, rows: number): Table => tablesOf(table, rows)[0] as Table;

/**
 * Starts the subjects, and checks that they give the same answers.
 *
 * @throws {Failure}
 */
export async function startSubjects(context: Context, options: StartOptions): Promise<Started> {
  const { names, repository, table, rows, say } = options;
  // First, and even when it isn't measured: the echo repeats its answers, and all are compared with them.
  say('starting server');
  const server = await startServer(context, { name: 'server', repository });
  const engine = await readEngine(server);
  const answers = new Map<number, Answer>();
  for (const count of rows) answers.set(count, await ask(server, firstTable(table, count)));
  if (!names.includes('server')) await server.stop();

  const peers = names.some((name) => PEERS.some((peer) => peer === name))
    ? await preparePeers(context, say)
    : undefined;
  const start = async (name: SubjectName): Promise<Subject> => {
    if (name === 'server') return server;
    say(`starting ${name}`);
    switch (name) {
      case 'echo':
        return startEcho(context, answers);
      case 'direct':
        return startServer(context, { name, repository });
      case 'naive':
        return startNaive(context, repository);
      case 'fastapi':
        return startFastapi(context, peers!, repository);
      case 'mlflow':
        return startMlflow(context, peers!);
    }
  };
  const subjects: Subject[] = [];
  for (const name of names) {
    const subject = await start(name);
    for (const [count, answer] of answers) {
      requireSame(name, await ask(subject, firstTable(table, count)), answer);
    }
    subjects.push(subject);
  }
  return { subjects, engine };
}

const predictionsOf = ({ body }: Answer): string =>
  JSON.stringify((JSON.parse(body) as { predictions?: unknown }).predictions);

function requireSame(name: string, answer: Answer, expected: Answer): void {
  if (predictionsOf(answer) !== predictionsOf(expected)) {
    throw new Failure(`${name} and server predict different things for the same rows`);
  }
}
