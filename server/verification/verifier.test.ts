import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { fingerprintOf, listFolder } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import { builtThread } from '../testing/builtThread.ts';
import { candidate } from '../testing/candidate.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import type { Verifier } from './verifier.ts';
import { createVerifier } from './verifier.ts';

const started: Verifier[] = [];
afterEach(() => {
  for (const { close } of started.splice(0)) close();
});

function startVerifier(entry: URL, timeoutMs = 60_000): Verifier {
  const log = pino({ level: 'silent' });
  const verifier = createVerifier({ entry, maxModelBytes: 2 ** 30, timeoutMs, beside: () => true, log });
  started.push(verifier);
  return verifier;
}

/** A verifying process that does this with each task, and writes its id to a file. */
const withProcess = (onTask: string, run: (entry: URL, pids: () => number[]) => Promise<void>) =>
  withTemporaryFolder(async (folder) => {
    const pidFile = join(folder, 'pids');
    writeFileSync(pidFile, '');
    const entry = join(folder, 'process.mjs');
    writeFileSync(
      entry,
      `import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(pidFile)}, process.pid + '\\n');
      let tasks = 0;
      process.on('message', (task) => { tasks++; ${onTask} });`,
    );
    await run(pathToFileURL(entry), () =>
      readFileSync(pidFile, 'utf8').split('\n').filter(Boolean).map(Number),
    );
  });

const isAlive = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
};
const verify = (verifier: Verifier, version: Candidate = candidate('m/1')) =>
  withDeadline('the verdict', verifier.verify(version), 60_000);

describe('a verifier', () => {
  it('compares a real version, and has no verdict where its files are refused', () =>
    withTemporaryFolder(async (root) => {
      putVersion(root, 'tiny/1', tinyFiles(1));
      putVersion(root, 'tiny/2', { ...tinyFiles(2), 'model.json': '{' });
      const [fine, broken] = (await listFolder(root)).candidates as [Candidate, Candidate];
      const verifier = startVerifier(builtThread('server/verification/process'));
      expect(await verify(verifier, fine)).toMatchObject({ content: await fingerprintOf(fine.folder) });
      expect(await verify(verifier, broken)).toMatchObject({
        refusal: expect.stringMatching(/model\.json/) as string,
      });
    }));

  it('ends its process when there is no more work, and starts another for the next', () =>
    withProcess('process.send({ content: String(tasks) })', async (entry, pids) => {
      const verifier = startVerifier(entry);
      verifier.start();
      const both = [verify(verifier), verify(verifier)];
      expect(await Promise.all(both)).toEqual([{ content: '1' }, { content: '2' }]);
      expect(pids()).toHaveLength(1);
      await eventually('the end of the process', () => !isAlive(pids()[0]), 20_000);
      expect(await verify(verifier)).toEqual({ content: '1' });
      expect(pids()).toHaveLength(2);
      verifier.close();
      await eventually('the end of the other process', () => !isAlive(pids()[1]), 20_000);
    }));

  it('tries again what its process died of, and refuses it when that is repeated', () =>
    withProcess("process.kill(process.pid, 'SIGKILL')", async (entry, pids) => {
      expect(await verify(startVerifier(entry))).toEqual({
        refusal: 'comparing its fast path with ONNX Runtime ended the process that did so (SIGKILL), 2 times',
      });
      expect(pids()).toHaveLength(2);
    }));

  it('kills a process that takes too long', () =>
    withProcess('', async (entry, pids) => {
      const verifier = startVerifier(entry, 300);
      expect(await verify(verifier)).toEqual({
        refusal: 'comparing its fast path with ONNX Runtime: not within 300 ms',
      });
      await eventually('the end of the process', () => !pids().some(isAlive), 20_000);
    }));
});
