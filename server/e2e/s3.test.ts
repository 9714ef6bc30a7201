import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Asked, Fate, Front } from '../testing/s3Front.ts';
import { createFront } from '../testing/s3Front.ts';
import type { Gateway } from '../testing/s3Gateway.ts';
import { createGateway, gatewayMissing, needsGateway } from '../testing/s3Gateway.ts';
import { diskMissing, fillDisk, needsDisk, withSmallDisk } from '../testing/smallDisk.ts';
import type { LogLine, Server } from '../testing/startServer.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';
import type { Candidate } from '../repository/listing.ts';
import type { Place } from '../repository/s3/source.ts';
import { createS3Source } from '../repository/s3/source.ts';

vi.setConfig({ testTimeout: 90_000 });

interface Store extends Gateway {
  /** The bucket's folder. */
  readonly bucket: string;
  readonly cache: string;
}

const PLACE = { bucket: 'shop-models', prefix: 'prod/' };

/** An S3 server with prod/tiny/1 in its bucket. */
const withStore = (run: (store: Store) => Promise<void>): Promise<void> =>
  withTemporaryFolder(async (home) => {
    const gateway = await createGateway(home);
    const bucket = join(gateway.folder, 'shop-models');
    mkdirSync(bucket);
    await gateway.start();
    await gateway.put('shop-models', 'prod/tiny/1', tinyFiles(1));
    try {
      await run({ ...gateway, bucket, cache: join(home, 'cache') });
    } finally {
      await gateway.stop();
    }
  });

/** The same store, behind a front that makes it fail. */
async function withFront(
  store: Store,
  decide: (asked: Asked) => Fate,
  run: (front: Front) => Promise<void>,
): Promise<void> {
  const front = await createFront(store.env['AWS_ENDPOINT_URL_S3'] as string, decide);
  try {
    await run(front);
  } finally {
    await front.close();
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const openSource = (store: Store, place: Place = PLACE, env: Readonly<Record<string, string>> = {}) => {
  for (const [name, value] of Object.entries({ ...store.env, ...env })) vi.stubEnv(name, value);
  return createS3Source({ place, cache: store.cache, log: pino({ level: 'silent' }) });
};

describe.skipIf(gatewayMissing)(needsGateway('a repository in S3'), () => {
  it('is listed, and fetched once into the cache', async () => {
    await withStore(async (store) => {
      await store.put('shop-models', 'prod', { 'repository.json': '{"versions":{"tiny":1}}' });
      const source = await openSource(store);
      const { candidates, preferences } = await source.list();
      expect(candidates.map(({ id }) => id)).toEqual(['tiny/1']);
      expect(preferences).toEqual({ versions: { tiny: 1 } });
      const [candidate] = candidates as [(typeof candidates)[0]];
      await Promise.all([source.fetch(candidate), source.fetch(candidate)]);
      expect(readFileSync(join(candidate.folder, 'model.onnx'))).toEqual(
        Buffer.from(tinyFiles(1)['model.onnx'] as Uint8Array),
      );
      await store.stop();
      await source.fetch(candidate);
    });
  });

  it('continues a broken download where it ended', async () => {
    await withStore(async (store) => {
      const source = await openSource(store);
      const [candidate] = (await source.list()).candidates as [never];
      const { folder } = candidate as { folder: string };
      const onnx = Buffer.from(tinyFiles(1)['model.onnx'] as Uint8Array);
      mkdirSync(`${folder}.part`);
      // A first half that differs from the object's.
      writeFileSync(join(`${folder}.part`, 'model.onnx'), Buffer.alloc(100, 7));
      await source.fetch(candidate);
      const fetched = readFileSync(join(folder, 'model.onnx'));
      expect(fetched).toEqual(Buffer.concat([Buffer.alloc(100, 7), onnx.subarray(100)]));
      expect(readdirSync(join(folder, '..')).filter((name) => name.endsWith('.part'))).toEqual([]);
    });
  });

  it('fetches the new content of a replaced object, never a mixture', async () => {
    await withStore(async (store) => {
      const source = await openSource(store);
      const [before] = (await source.list()).candidates as [never];
      await store.put('shop-models', 'prod/tiny/1', tinyFiles(2));
      await expect(source.fetch(before)).rejects.toThrow(/replaced or removed while it was read/);
      const [after] = (await source.list()).candidates as [never];
      expect((after as { fingerprint: string }).fingerprint).not.toBe(
        (before as { fingerprint: string }).fingerprint,
      );
      await source.fetch(after);
    });
  });

  it('is served from the cache while the store is down, if something was fetched', async () => {
    await withStore(async (store) => {
      const first = await openSource(store);
      await first.fetch((await first.list()).candidates[0] as never);
      await store.put('shop-models', 'prod/tiny/2', tinyFiles(2));
      await first.list();
      await store.stop();
      const offline = await (await openSource(store)).list();
      expect(offline.candidates.map(({ id }) => id)).toEqual(['tiny/1']);
      await expect(first.list()).rejects.toThrow(/the store cannot be reached \(ECONNREFUSED\)$/);
      rmSync(store.cache, { recursive: true });
      await expect((await openSource(store)).list()).rejects.toThrow(
        /^model repository refused: s3:\/\/shop-models: /,
      );
    });
  });

  it.each<[string, Place, Record<string, string>, RegExp]>([
    ['a missing bucket', { ...PLACE, bucket: 'nope' }, {}, /s3:\/\/nope: there is no such bucket$/],
    [
      'an empty prefix',
      { ...PLACE, prefix: 'none/' },
      {},
      /s3:\/\/shop-models holds no none\/<name>\/<version>\/$/,
    ],
    [
      'a wrong key',
      PLACE,
      { AWS_SECRET_ACCESS_KEY: 'x' },
      /the credentials were refused \(SignatureDoesNotMatch\)$/,
    ],
    ['no key', PLACE, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, /no AWS credentials were found/],
  ])('says in one line what is wrong: %s', async (_, place, env, reason) => {
    await withStore(async (store) => {
      const refusal: unknown = await (
        await openSource(store, place, env)
      )
        .list()
        .catch((error: unknown) => error);
      expect((refusal as Error).message).toMatch(reason);
      expect((refusal as Error).message).not.toMatch(/\n|secret/);
    });
  });

  const DENIED = /s3:\/\/shop-models: access is denied; reading needs s3:ListBucket and s3:GetObject$/;

  it('reports in one line which rights an account is missing', async () => {
    await withStore(async (store) => {
      const source = await openSource(store, PLACE, await store.addStranger());
      const refusal: unknown = await source.list().catch((error: unknown) => error);
      expect((refusal as Error).message).toMatch(DENIED);
      expect((refusal as Error).message).not.toMatch(/\n|stranger|nothing/);
    });
  });

  it('reports the same when it may be listed, but not be read', async () => {
    await withStore(async (store) => {
      const refuse = ({ path }: Asked): Fate =>
        path.includes('model.onnx') ? { status: 403, code: 'AccessDenied' } : undefined;
      await withFront(store, refuse, async (front) => {
        const source = await openSource(store, PLACE, { AWS_ENDPOINT_URL_S3: front.url });
        const [candidate] = (await source.list()).candidates as [Candidate];
        await expect(source.fetch(candidate)).rejects.toThrow(DENIED);
        // Without many retries, which would change nothing.
        expect(front.asked.filter(({ path }) => path.includes('model.onnx')).length).toBeLessThan(5);
      });
    });
  });

  it('is requested again after pauses while the store is unavailable', async () => {
    await withStore(async (store) => {
      const seen = new Map<string, number>();
      /** The first two requests of each kind. */
      const refuse = ({ path }: Asked): Fate => {
        const kind = path.replace(/\?.*/, '');
        const before = seen.get(kind) ?? 0;
        seen.set(kind, before + 1);
        return before < 2 ? { status: 503, code: 'ServiceUnavailable' } : undefined;
      };
      await withFront(store, refuse, async (front) => {
        const source = await openSource(store, PLACE, { AWS_ENDPOINT_URL_S3: front.url });
        const [candidate] = (await source.list()).candidates as [Candidate];
        expect(front.asked).toHaveLength(3);
        await source.fetch(candidate);
        for (const [name, content] of Object.entries(tinyFiles(1))) {
          expect(front.asked.filter(({ path }) => path.includes(name))).toHaveLength(3);
          expect(readFileSync(join(candidate.folder, name))).toEqual(Buffer.from(content as string));
        }
      });
    });
  });

  it('is reported in one line after five attempts with growing pauses', async () => {
    // Each pause is a random part of a bound that doubles each time: here nearly all of it.
    vi.spyOn(Math, 'random').mockReturnValue(0.99);
    await withStore(async (store) => {
      const broken = (): Fate => ({ status: 500, code: 'InternalError' });
      await withFront(store, broken, async (front) => {
        const source = await openSource(store, PLACE, { AWS_ENDPOINT_URL_S3: front.url });
        await expect(source.list()).rejects.toThrow(
          /^model repository refused: s3:\/\/shop-models: the store cannot be reached \(InternalError\)$/,
        );
        const times = front.asked.map(({ at }) => at);
        const pauses = times.slice(1).map((at, index) => at - (times[index] as number));
        expect(pauses).toHaveLength(4);
        pauses.forEach((pause, index) => expect(pause).toBeGreaterThan(40 * 2 ** index));
      });
    });
  });

  it('is read on from the byte where a body breaks off', async () => {
    await withStore(async (store) => {
      let file = '';
      const has = (): Promise<unknown> =>
        eventually('its first bytes', () => existsSync(file) && statSync(file).size === 100);
      const cut = ({ path, range }: Asked): Fate =>
        path.includes('model.onnx') && range === undefined ? { cutAt: 100, has } : undefined;
      await withFront(store, cut, async (front) => {
        const source = await openSource(store, PLACE, { AWS_ENDPOINT_URL_S3: front.url });
        const [candidate] = (await source.list()).candidates as [Candidate];
        file = join(`${candidate.folder}.part`, 'model.onnx');
        await source.fetch(candidate);
        const ranges = front.asked
          .filter(({ path }) => path.includes('model.onnx'))
          .map(({ range }) => range);
        expect(ranges).toEqual([undefined, 'bytes=100-']);
        expect(readFileSync(join(candidate.folder, 'model.onnx'))).toEqual(
          Buffer.from(tinyFiles(1)['model.onnx'] as Uint8Array),
        );
      });
    });
  });

  it('of MLflow runs serves the newest run that logged a model', async () => {
    await withStore(async (store) => {
      for (const [run, seconds] of [
        ['b', 100],
        ['a', 200],
        ['c', 50],
      ] as const) {
        const folder = `${run}/artifacts/model`;
        putVersion(join(store.bucket, '7'), folder, tinyFiles(seconds));
        utimesSync(join(store.bucket, '7', folder, 'model.onnx'), seconds, seconds);
      }
      mkdirSync(join(store.bucket, '7/d/artifacts'), { recursive: true });
      writeFileSync(join(store.bucket, '7/d/artifacts/model.pkl'), '');
      const place = { bucket: 'shop-models', experiment: '7', name: 'cost' };
      const source = await openSource(store, place);
      const { candidates } = await source.list();
      expect(candidates.map(({ id }) => id)).toEqual(['cost/1', 'cost/2', 'cost/3']);
      const newest = candidates[2] as (typeof candidates)[0];
      await source.fetch(newest);
      expect(readFileSync(join(newest.folder, 'golden.json'), 'utf8')).toContain('[200,');
    });
  });

  it('is served, new versions are swapped in, and an outage changes nothing', async () => {
    await withStore(async (store) => {
      const env = {
        ...store.env,
        MODEL_REPOSITORY: 's3://shop-models/prod',
        MODEL_CACHE: store.cache,
        MODEL_POLL_MS: '200',
      };
      await withServer({ args: ['--no-install', '--no-proxy'], env }, async (server) => {
        const ask = async (): Promise<string> => {
          const body = JSON.stringify({ columns: ['x'], data: [[1]] });
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(`http://127.0.0.1:${server.port}/predict`, {
            method: 'POST',
            headers,
            body,
          });
          return `${answer.headers.get('x-model')} ${await answer.text()}`;
        };
        expect(await ask()).toBe('tiny/1 {"predictions":[1.5]}');
        await store.put('shop-models', 'prod/tiny/2', tinyFiles(2));
        await eventually('the new version', async () => (await ask()).startsWith('tiny/2'), 20_000);
        await store.stop();
        await server.says('the outage', ({ msg }) => msg.startsWith('cannot read the repository'), 20_000);
        expect(await ask()).toBe('tiny/2 {"predictions":[2.5]}');
        await store.start();
        await store.put('shop-models', 'prod/tiny/3', tinyFiles(3));
        await eventually('the next version', async () => (await ask()).startsWith('tiny/3'), 30_000);
      });
    });
  });

  it.skipIf(diskMissing)(
    needsDisk('is served though the disk of the cache is full, and goes on when there is room'),
    () =>
      withStore((store) =>
        withSmallDisk(1024, async (disk) => {
          const filler = join(disk, 'filler');
          const env = {
            ...store.env,
            MODEL_REPOSITORY: 's3://shop-models/prod',
            MODEL_CACHE: join(disk, 'cache'),
            MODEL_POLL_MS: '100',
          };
          const options = { args: ['--no-install', '--no-proxy'], env };
          const ask = async (server: Server): Promise<string> => {
            const answer = await fetch(`http://127.0.0.1:${server.port}/predict?x=1`);
            return `${answer.status} ${answer.headers.get('x-model')}`;
          };
          const refused = (server: Server): Promise<LogLine> =>
            server.says('the refusal', ({ msg }) => msg === 'a version was refused', 30_000);
          const NO_ROOM = { model: 'tiny/2', reason: 'MODEL_CACHE has no room for it (ENOSPC)' };

          await withServer(options, async (server) => {
            fillDisk(filler);
            await store.put('shop-models', 'prod/tiny/2', tinyFiles(2));
            expect(await refused(server)).toMatchObject(NO_ROOM);
            expect(await ask(server)).toBe('200 tiny/1');
            const models = await (await fetch(`http://127.0.0.1:${server.port}/models`)).text();
            expect(models).toContain(NO_ROOM.reason);
          });
          await withServer(options, async (server) => {
            expect(await refused(server)).toMatchObject(NO_ROOM);
            expect(await ask(server)).toBe('200 tiny/1');
            rmSync(filler);
            await eventually('the new version', async () => (await ask(server)) === '200 tiny/2', 40_000);
            expect(server.said()).not.toContain('cannot read the repository');
            const warnings = server
              .lines()
              .filter(({ msg }) => msg.startsWith('MODEL_CACHE cannot be written'));
            expect(warnings).toMatchObject([{ level: 40, reason: 'ENOSPC' }]);
          });
        }),
      ),
  );

  it.skipIf(diskMissing)(needsDisk('keeps no part of a version that the disk has no room for'), () =>
    withStore((store) =>
      withSmallDisk(1024, async (disk) => {
        const large = { ...tinyFiles(3), 'golden.json': ' '.repeat(2_000_000) };
        await store.put('shop-models', 'prod/tiny/3', large);
        const source = await openSource({ ...store, cache: disk });
        const { candidates } = await source.list();
        const candidate = candidates.at(-1) as Candidate;
        await expect(source.fetch(candidate)).rejects.toThrow(
          /^model tiny\/3 refused: MODEL_CACHE has no room for it \(ENOSPC\)$/,
        );
        expect(readdirSync(join(candidate.folder, '..'))).toEqual(['listing.json']);
      }),
    ),
  );
});
