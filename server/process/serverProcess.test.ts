import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { parseConfig } from '../settings/settings.ts';
import type { FromProcess } from '../messages.ts';
import type { ServedSet } from '../rollout/messages.ts';
import { keyOf } from '../repository/listing.ts';
import { startReplica } from './serverProcess.ts';
import { builtThread } from '../testing/builtThread.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

it('goes on with the newest set where another comes while the first begins', () =>
  withTemporaryFolder(async (root) => {
    const said: FromProcess[] = [];
    const ends: (number | string)[] = [];
    const replica = startReplica({
      config: parseConfig({ INFERENCE_THREADS: '1' }),
      address: { socket: join(root, 'socket') },
      runtime: root,
      entry: builtThread('worker/main'),
      log: pino({ level: 'silent' }),
      tell: (message) => Promise.resolve(void said.push(message)),
      exit: (code) => ends.push(code),
      kill: () => ends.push('killed'),
    });
    const heard = (type: FromProcess['type'], count: number) =>
      eventually(
        `${count} × ${type}`,
        () => said.filter((message) => message.type === type).length === count,
        30_000,
      );
    const keys = [1, 2].map((version) => {
      const id = `tiny/${version}`;
      const folder = join(root, id);
      putVersion(root, id, tinyFiles(version));
      const candidate = { name: 'tiny', version, id, fingerprint: 'a', folder, root };
      replica.receive({ type: 'open', candidate, trusted: false });
      return keyOf(candidate);
    }) as [string, string];
    await heard('opened', 2);
    const serve = (number: number, open: readonly string[]): void => {
      const set: ServedSet = { number, defaultModel: 'tiny', open, served: open.slice(-1), versions: [] };
      replica.receive({ type: 'serve', set });
    };
    serve(1, keys);
    serve(2, [keys[1]]);
    await heard('swapped', 2);
    await heard('ready', 1);
    await replica.drain();
    const observed = said.flatMap((message) =>
      message.type === 'observing' ? [message.profiles.map(({ key }) => key)] : [],
    );
    expect(observed).toEqual([[keys[1]]]);
    expect(ends).toEqual([0]);
  }));
