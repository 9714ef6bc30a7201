import type { Worker } from 'node:cluster';
import cluster from 'node:cluster';
import type { FromProcess, ToProcess } from '../messages.ts';
import { ModelRefused } from '../model/refused.ts';
import type { RestartPauses } from './restartPauses.ts';

/** A server process as the primary sees it. */
export interface Child {
  readonly pid: number;
  readonly worker: Worker;
  /** It was sent `drain`, so its exit is no loss. */
  leaving: boolean;
  /** Resolves with the exit code or the signal's name, once all its messages are read. */
  readonly exited: Promise<string>;
}

/** The messages of a process after its start. */
export type Report = Exclude<FromProcess, { type: 'started' | 'ready' }>;

/** The place of one server process: its number, and with it its socket, stays when the process is replaced. */
export interface Slot {
  readonly index: number;
  /** The process that serves here. */
  child: Child | undefined;
  /** The process that will. */
  starting: Promise<Child> | undefined;
  /** A reload is starting the next process, which also replaces the present one if that dies. */
  reloading: boolean;
  readonly restarts: RestartPauses;
}

/** A process ended before it was ready. */
export class StartFailure extends Error {
  /** No process can start with this repository, so a retry is of no use. */
  readonly refused: boolean;
  constructor(reason: string, refused: boolean) {
    super(reason);
    this.name = 'StartFailure';
    this.refused = refused;
  }
}

/** Names the slot to the forked process. */
export const SLOT_VARIABLE = 'SERVEMODEL_SLOT';

/** Variables that take effect only at the start of a process. */
const ENVIRONMENT = {
  // ONNX Runtime needs much memory while it loads a model. With these thresholds glibc returns it to the system
  // afterwards, instead of keeping some 60 MB a process.
  MALLOC_MMAP_THRESHOLD_: '262144',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Sends a message to a process, unless it has exited. */
export function sendTo({ worker }: Child, message: ToProcess): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** @throws {StartFailure} when the system has no room for another process */
function fork(slot: Slot): Worker {
  try {
    return cluster.fork({ ...ENVIRONMENT, [SLOT_VARIABLE]: String(slot.index) });
  } catch (error) {
    throw new StartFailure(`a server process could not be started: ${(error as Error).message}`, false);
  }
}

/**
 * Forks the process of a slot.
 *
 * @param receive is called with every message except those about the start
 * @param equip has the process open and serve its versions; rejects when it can't
 * @returns the process, once it is ready
 * @throws {StartFailure}
 */
export async function startChild(
  slot: Slot,
  receive: (id: number, message: Report) => void,
  equip: (child: Child) => Promise<void>,
): Promise<Child> {
  const worker = fork(slot);
  const exited = new Promise<string>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => {
      const how = signal ?? `code ${String(code)}`;
      // Its last messages, such as its last counts, may not have been read yet.
      if (worker.isConnected()) worker.once('disconnect', () => resolve(how));
      else resolve(how);
    });
    // Without a pid it was never started, and no `exit` follows.
    worker.on('error', (error: Error) => {
      if (worker.process.pid === undefined) resolve(error.message);
    });
  });
  const child: Child = { pid: worker.process.pid ?? 0, worker, leaving: false, exited };
  return new Promise((resolve, reject) => {
    let refusal: string | undefined;
    const fail = (error: unknown): void => {
      // Any other error is a bug: keep its stack.
      refusal = error instanceof ModelRefused ? error.message : String((error as Error).stack);
      worker.process.kill('SIGKILL');
    };
    worker.on('message', (message: FromProcess) => {
      if (message.type === 'ready') resolve(child);
      else if (message.type === 'started') equip(child).catch(fail);
      else receive(worker.id, message);
    });
    void exited.then((how) => {
      reject(
        new StartFailure(
          refusal ?? `a server process ended with ${how} before it was ready`,
          refusal !== undefined,
        ),
      );
    });
  });
}
