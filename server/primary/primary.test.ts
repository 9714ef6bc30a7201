import type { Worker } from 'node:cluster';
import cluster from 'node:cluster';
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, expect, it, vi } from 'vitest';
import { BEAT_MS } from '../platform/beat.ts';
import { parseConfig } from '../settings/settings.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import { fingerprintOf } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import { forkFirstChildren } from './firstChildren.ts';
import { createPrimary } from './primary.ts';
import { freePort } from '../testing/freePort.ts';
import { builtThread } from '../testing/builtThread.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

afterEach(() => vi.restoreAllMocks());

const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/** A server process as the primary sees it. It opens every version, and is ready when the test calls `beReady`. */
function createProcess(id: number) {
  const received: ToProcess[] = [];
  let connected = true;
  const die = (): void => {
    connected = false;
    clearInterval(beats);
    worker.emit('exit', null, 'SIGKILL');
  };
  const say = (message: FromProcess): void => void worker.emit('message', message);
  const open = async (candidate: Candidate): Promise<void> => {
    const content = await fingerprintOf(candidate.folder);
    say({ type: 'opened', key: keyOf(candidate), path: 'lifted', content });
  };
  const answer = (message: ToProcess): void => {
    if (message.type === 'open') void open(message.candidate);
    else if (message.type === 'serve') say({ type: 'swapped', number: message.set.number });
    else if (message.type === 'drain') die();
  };
  const worker = Object.assign(new EventEmitter(), {
    id,
    process: { pid: 0, kill: die },
    isConnected: () => connected,
    send: (message: ToProcess) => {
      received.push(message);
      setImmediate(() => answer(message));
    },
  });
  setImmediate(() => say({ type: 'started' }));
  const beats = setInterval(() => say({ type: 'alive', ready: true }), BEAT_MS).unref();
  return {
    worker: worker as unknown as Worker,
    die,
    beReady: () => say({ type: 'ready' }),
    beAlive: () => say({ type: 'alive', ready: false }),
    hasReceived: (type: ToProcess['type']) => received.some((message) => message.type === type),
    /** The first digest of each list of keys that it received. */
    digests: () => received.flatMap((message) => (message.type === 'keys' ? message.keys[0]?.digest : [])),
  };
}

it('a process that was starting receives what has changed meanwhile', () =>
  withTemporaryFolder(async (folder) => {
    const processes: ReturnType<typeof createProcess>[] = [];
    vi.spyOn(cluster, 'fork').mockImplementation(() => {
      const process = createProcess(processes.length + 1);
      processes.push(process);
      return process.worker;
    });
    const equipped = (count: number) =>
      eventually(`the set of process ${count}`, () => {
        const process = processes[count - 1];
        return process?.hasReceived('serve') && process;
      });
    const repository = join(folder, 'models');
    putVersion(repository, 'tiny/1', tinyFiles(1));
    const keys = join(folder, 'keys');
    writeFileSync(keys, `bank:${digestOf('lost')}\n`);
    const adminPort = await freePort();
    const config = parseConfig({
      MODEL_REPOSITORY: repository,
      WEB_CONCURRENCY: '1',
      API_KEYS_FILE: keys,
      METRICS_PORT: String(await freePort()),
      ADMIN_PORT: String(adminPort),
    });
    const common = { config, runtime: folder, log: pino({ level: 'silent' }) };
    const verifierEntry = builtThread('server/verification/process');
    const children = forkFirstChildren({ ...common, verifierEntry });
    // It reports before there is a primary that follows it.
    const early = await eventually('the first process', () => processes[0]);
    early.beAlive();
    await nextTurn();
    expect(early.hasReceived('open')).toBe(false);
    const primary = createPrimary({ ...common, children, exit: () => undefined });
    const started = primary.start();
    const first = await equipped(1);
    first.beReady();
    await started;
    expect(first.hasReceived('serving')).toBe(true);

    first.die();
    const second = await equipped(2);
    writeFileSync(keys, `bank:${digestOf('new')}\n`);
    const { status } = await fetch(`http://127.0.0.1:${adminPort}/reload`, { method: 'POST' });
    expect(status).toBe(200);
    second.beReady();
    await eventually('the new key', () => second.digests().at(-1) === digestOf('new'));
    expect(second.digests()[0]).toBe(digestOf('lost'));
    expect(second.hasReceived('serving')).toBe(true);

    primary.lameDuck();
    second.die();
    const third = await equipped(3);
    third.beReady();
    await eventually('the keys again', () => third.digests().length === 2);
    expect(third.hasReceived('serving')).toBe(false);
    await primary.stop(0);
  }));
