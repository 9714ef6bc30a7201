import type { Worker } from 'node:cluster';
import cluster from 'node:cluster';
import type { FromProcess, ToProcess } from '../messages.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Restarts } from './restartPauses.ts';

/** A server process as the primary sees it. */
export interface Child {
  readonly pid: number;
  readonly worker: Worker;
  /** It was told to end, so its end is no loss. */
  leaving: boolean;
  /** Resolves with what ended it, an exit code or a signal's name, once all that it said was read. */
  readonly exited: Promise<string>;
}

/** The place of one server process: its number, and with it its socket, stays when the process is replaced. */
export interface Slot {
  readonly index: number;
  /** The process that serves here. */
  child: Child | undefined;
  /** The process that will. */
  starting: Promise<Child> | undefined;
  /** A reload is starting the next process: the loss of the present one needs no replacement of its own. */
  reloading: boolean;
  readonly restarts: Restarts;
}

/** A process ended before it was ready. */
export class StartFailure extends Error {
  /** It can't ever start with this repository: trying again is no use. */
  readonly refused: boolean;
  constructor(reason: string, refused: boolean) {
    super(reason);
    this.name = 'StartFailure';
    this.refused = refused;
  }
}

/** Names the slot to the forked process. */
export const SLOT_VARIABLE = 'SERVEMODEL_SLOT';

/** What a process can only be told before it begins. */
const ENVIRONMENT = {
  // ONNX Runtime sends telemetry otherwise.
  ORT_DISABLE_TELEMETRY: '1',
  // ONNX Runtime needs much memory while it loads a model. With thresholds of its own, glibc gives it back afterwards
  // instead of keeping some 60 MB a process.
  MALLOC_MMAP_THRESHOLD_: '262144',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Sends a message, unless the process is gone already. */
export function tell({ worker }: Child, message: ToProcess): void {
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
 * @param receive is given every message but those about readiness
 * @param equip tells the process what to open and to serve; rejects when it can't
 * @returns the process, once it is ready
 * @throws {StartFailure}
 */
export async function startChild(
  slot: Slot,
  receive: (id: number, message: FromProcess) => void,
  equip: (child: Child) => Promise<void>,
): Promise<Child> {
  const worker = fork(slot);
  const exited = new Promise<string>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => {
      const how = signal ?? `code ${String(code)}`;
      // Its last words, such as its last counts, may still wait to be read.
      if (worker.isConnected()) worker.once('disconnect', () => resolve(how));
      else resolve(how);
    });
    // Without a pid it was never there, and no `exit` follows.
    worker.on('error', (error: Error) => {
      if (worker.process.pid === undefined) resolve(error.message);
    });
  });
  const child: Child = { pid: worker.process.pid ?? 0, worker, leaving: false, exited };
  return new Promise((resolve, reject) => {
    let refusal: string | undefined;
    const fail = (error: unknown): void => {
      // Anything else than a refusal is a bug, and has to be seen as one.
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
