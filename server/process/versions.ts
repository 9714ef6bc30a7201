import type { Logger } from 'pino';
import type { Listener } from '../http/listen.ts';
import type { Loader } from '../loading/loader.ts';
import type { Contents, LiveCatalogue, VersionState } from '../model/catalogue.ts';
import { createLiveCatalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { letYoungGenerationGrow, youngGenerationSize } from '../platform/youngGeneration.ts';
import { fingerprintOf } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import { byNameAndVersion, keyOf } from '../repository/listing.ts';
import type { RolloutFromProcess, ServedSet } from '../rollout/messages.ts';
import { unavailableModel } from './unavailableModel.ts';

/** The young generation while the versions of a start are opened: of hundreds, more would only be kept. */
const START_YOUNG_BYTES = 4 * 2 ** 20;

export interface VersionsOptions {
  readonly loader: Loader;
  readonly lifecycle: { readonly draining: boolean };
  readonly log: Logger;
  readonly send: (message: RolloutFromProcess) => Promise<void>;
  /** Starts to listen, with the first set. */
  readonly listen: (catalogue: LiveCatalogue) => Promise<Pick<Listener, 'answered'>>;
  /** Receives what is open and served from now on. */
  readonly follow: (contents: Contents) => void;
}

/** The versions that this process has open, and those of them that it serves. */
export interface Versions {
  /** Opens a version, and replies with `opened`. @param fastRefused why its fast path isn't taken */
  open(candidate: Candidate, fastRefused: string | undefined): Promise<void>;
  /** Serves a set of open versions, replies with `swapped`, and closes the others after their last requests. */
  serve(set: ServedSet): Promise<void>;
  /** Replaces the states of versions that aren't served. */
  describe(versions: readonly VersionState[]): void;
}

export function createVersions(options: VersionsOptions): Versions {
  const { loader, lifecycle, log, send, listen, follow } = options;
  /** All open versions by key, whether served yet or not. */
  const models = new Map<string, Model>();
  /** Versions that are being opened, by key. */
  const opening = new Map<string, Promise<void>>();
  let catalogue: LiveCatalogue | undefined;
  let listener: Pick<Listener, 'answered'> | undefined;
  /** The last one that the primary sent. */
  let newest: ServedSet | undefined;

  const contentsOf = ({ defaultModel, open, served, versions }: ServedSet): Contents => {
    const find = (key: string): Model => models.get(key) as Model;
    const answering = served.map(find);
    return {
      defaultModel:
        answering.find(({ name }) => name === defaultModel) ?? unavailableModel(defaultModel, versions),
      models: open.map(find).sort(byNameAndVersion),
      served: answering,
      versions,
    };
  };
  const swap = async (contents: Contents): Promise<void> => {
    if (catalogue) {
      catalogue.replace(contents);
      return;
    }
    letYoungGenerationGrow(true);
    catalogue = createLiveCatalogue(contents);
    listener = await listen(catalogue);
  };
  const retire = async (keys: readonly string[]): Promise<void> => {
    const leaving = keys.flatMap((key) => {
      const model = models.get(key);
      return model ? [{ key, model }] : [];
    });
    for (const key of keys) models.delete(key);
    await listener?.answered();
    for (const { key, model } of leaving) {
      // Meanwhile the same version may have been opened again: threads know it by the same key.
      await opening.get(key);
      if (lifecycle.draining) return;
      if ([...models.values()].some((other) => other.key === model.key)) continue;
      await loader.close(model);
      log.info({ model: model.id }, 'model closed');
    }
  };

  const open: Versions['open'] = async (candidate, fastRefused) => {
    const key = keyOf(candidate);
    if (!catalogue) letYoungGenerationGrow(youngGenerationSize() < START_YOUNG_BYTES);
    try {
      const content = await fingerprintOf(candidate.folder);
      const { model, seconds } = await loader.open(candidate, {
        beside: catalogue !== undefined,
        fastRefused,
      });
      log.info({ model: model.id, seconds, ...model.engine }, 'model opened');
      const { batching, batchingReason: reason } = model.engine;
      if (batching === 'row') log.warn({ model: model.id, reason }, 'each row is run by itself');
      models.set(key, model);
      await send({ type: 'opened', key, path: model.engine.path, content });
    } catch (error) {
      if (!(error instanceof ModelRefused)) throw error;
      // Its loading was stopped: that says nothing of the version.
      if (lifecycle.draining) return;
      await send({ type: 'opened', key, refusal: error.reason });
    }
  };

  return {
    open: async (candidate, fastRefused) => {
      const key = keyOf(candidate);
      const opened = open(candidate, fastRefused);
      const settled = opened.then(
        () => undefined,
        () => undefined,
      );
      opening.set(key, settled);
      await opened.finally(() => opening.get(key) === settled && opening.delete(key));
    },
    serve: async (set) => {
      newest = set;
      const contents = contentsOf(set);
      await swap(contents);
      void send({ type: 'swapped', number: set.number });
      // Another set came while the process started to listen: that one is in force, and may have closed versions of this.
      if (newest !== set) return;
      follow(contents);
      await retire([...models.keys()].filter((key) => !set.open.includes(key)));
    },
    describe: (versions) => catalogue?.describe(versions),
  };
}
