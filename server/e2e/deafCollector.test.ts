import { once } from 'node:events';
import { cpSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readAdultRows } from '../testing/adultRows.ts';
import { LOST_NOTHING, singles, startLoad } from '../testing/load.ts';
import { scrape } from '../testing/scrape.ts';
import { freePort } from '../testing/freePort.ts';
import { CHECKOUT, withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Four spans each: more than may wait. */
const REQUESTS = 2000;

async function withCollector(answer: 'none' | 503, run: (port: number) => Promise<void>): Promise<void> {
  const server: HttpServer = createServer((request, response) => {
    request.resume();
    if (answer === 503) response.writeHead(503, { 'retry-after': '1' }).end('no');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const withDead = async (run: (port: number) => Promise<void>): Promise<void> => run(await freePort());

describe('a collector that', () => {
  it.each<[string, (run: (port: number) => Promise<void>) => Promise<void>]>([
    ['is not there', withDead],
    ['never answers', (run) => withCollector('none', run)],
    ['answers 503', (run) => withCollector(503, run)],
  ])('%s costs no request, and the server ends in time', async (_, withPort) => {
    await withPort((port) =>
      withTemporaryFolder(async (folder) => {
        cpSync(join(CHECKOUT, 'models/adult/1'), join(folder, 'adult/1'), { recursive: true });
        const env = {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:hunter2@127.0.0.1:${port}/?key=hunter2`,
          OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hunter2',
          MODEL_REPOSITORY: folder,
          WEB_CONCURRENCY: '1',
        };
        await withServer({ env, args: ['--no-install', '--no-proxy'] }, async (server) => {
          const load = startLoad({
            port: server.port,
            connections: 8,
            cases: singles(readAdultRows().slice(0, 200)),
            requests: REQUESTS,
          });
          expect(await load.done).toMatchObject({ right: REQUESTS, resent: 0, ...LOST_NOTHING });
          await eventually(
            'spans that were dropped',
            async () => (await scrape(server)).sum('trace_spans_dropped_total') > 0,
            15_000,
          );
          const { code, ms } = await server.stop();
          expect(code).toBe(0);
          expect(ms).toBeLessThan(8000);
          expect(await server.leftBehind()).toEqual([]);
          // At most one line, not one for each batch, and none about an unclean shutdown.
          const warnings = server.lines().filter(({ level }) => level >= 40);
          expect(warnings.length).toBeLessThanOrEqual(1);
          for (const { msg } of warnings) expect(msg).toBe('the collector takes no traces: they are dropped');
          expect(server.said()).not.toContain('hunter2');
        });
      }),
    );
  });
});
