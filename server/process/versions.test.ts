import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Loader } from '../loading/loader.ts';
import type { Model } from '../model/model.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { ServedSet } from '../rollout/messages.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { createVersions } from './versions.ts';

it('keeps a version that was opened again while the last requests of its first opening were open', () =>
  withTemporaryFolder(async (folder) => {
    const candidate = {
      name: 'tiny',
      id: 'tiny/1',
      version: 1,
      folder,
      content: 'same',
    } as unknown as Candidate;
    const key = keyOf(candidate);
    const closed: Model[] = [];
    let letAnswer = (): void => undefined;
    const versions = createVersions({
      loader: {
        open: () => Promise.resolve({ model: { ...tinyModel() }, seconds: 0 }),
        close: (model: Model) => void closed.push(model),
      } as unknown as Loader,
      lifecycle: { draining: false },
      log: pino({ level: 'silent' }),
      send: () => Promise.resolve(),
      listen: () =>
        Promise.resolve({ answered: () => new Promise<void>((resolve) => (letAnswer = resolve)) }),
      follow: () => undefined,
    });
    const set = (number: number, keys: readonly string[]): ServedSet => ({
      number,
      defaultModel: 'tiny',
      open: keys,
      served: keys,
      versions: [],
    });
    const settle = async (serving: Promise<void>): Promise<void> => {
      await new Promise(setImmediate);
      letAnswer();
      await serving;
    };

    await versions.open(candidate, undefined);
    await settle(versions.serve(set(1, [key])));
    const unloaded = versions.serve(set(2, []));
    await new Promise(setImmediate);
    const answerOld = letAnswer;
    await versions.open(candidate, undefined);
    const loaded = versions.serve(set(3, [key]));
    answerOld();
    await unloaded;
    await settle(loaded);
    expect(closed).toEqual([]);
    await settle(versions.serve(set(4, [])));
    expect(closed).toHaveLength(1);
  }));
