import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { parseConfig } from '../settings/settings.ts';
import type { FromProcess } from '../messages.ts';
import type { ServedSet } from '../rollout/messages.ts';
import { keyOf } from '../repository/listing.ts';
import { startServerProcess } from './serverProcess.ts';
import { builtThread } from '../testing/builtThread.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

it('serves the newest set when it arrives before the process listens', () =>
  withTemporaryFolder(async (root) => {
    const sent: FromProcess[] = [];
    const ends: (number | string)[] = [];
    const serverProcess = startServerProcess({
      config: parseConfig({ INFERENCE_THREADS: '1' }),
      address: { socket: join(root, 'socket') },
      runtime: root,
      entry: builtThread('worker/main'),
      loadingEntry: builtThread('server/loading/thread'),
      log: pino({ level: 'silent' }),
      send: (message) => Promise.resolve(void sent.push(message)),
      exit: (code) => ends.push(code),
      kill: () => ends.push('killed'),
    });
    const received = (type: FromProcess['type'], count: number) =>
      eventually(
        `${count} × ${type}`,
        () => sent.filter((message) => message.type === type).length === count,
        30_000,
      );
    const keys = [1, 2].map((version) => {
      const id = `tiny/${version}`;
      const folder = join(root, id);
      putVersion(root, id, tinyFiles(version));
      const candidate = { name: 'tiny', version, id, fingerprint: 'a', folder, root };
      serverProcess.receive({ type: 'open', candidate, trusted: false });
      return keyOf(candidate);
    }) as [string, string];
    await received('opened', 2);
    const serve = (number: number, open: readonly string[]): void => {
      const set: ServedSet = { number, defaultModel: 'tiny', open, served: open.slice(-1), versions: [] };
      serverProcess.receive({ type: 'serve', set });
    };
    serve(1, keys);
    serve(2, [keys[1]]);
    await received('swapped', 2);
    await received('ready', 1);
    await serverProcess.drain();
    const observed = sent.flatMap((message) =>
      message.type === 'observing' ? [message.profiles.map(({ key }) => key)] : [],
    );
    expect(observed).toEqual([[keys[1]]]);
    expect(ends).toEqual([0]);
  }));
