import { createHash } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { adultBody, adultRow } from '../testing/adult.ts';
import { freePort } from '../testing/freePort.ts';
import { withLaunched, withServer } from '../testing/startServer.ts';
import type { Server } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 90_000 });

const entry = (client: string, key: string): string =>
  `${client}:${createHash('sha256').update(key).digest('hex')}\n`;

const ask = async (server: Server, key?: string): Promise<number> => {
  const { status } = await fetch(`http://127.0.0.1:${server.port}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-api-key': key }) },
    body: JSON.stringify(adultBody(adultRow())),
  });
  return status;
};

describe.skipIf(nginxMissing)(needsNginx('a server with keys'), () => {
  it('admits its clients, takes new keys without interruption, and logs no key', () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, 'keys');
      await writeFile(file, entry('bank', 'key-of-the-bank'));
      const adminPort = await freePort();
      const env = {
        API_KEYS_FILE: file,
        METRICS_ACCESS: 'keys',
        ADMIN_PORT: String(adminPort),
        LOG_LEVEL: 'trace',
        ACCESS_LOG: 'stdout',
      };
      await withServer({ env }, async (server) => {
        expect([await ask(server), await ask(server, 'guess'), await ask(server, 'key-of-the-bank')]).toEqual(
          [401, 401, 200],
        );
        const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
        expect(ready.status).toBe(200);

        // A new key by POST /reload; the old one stays until its line is removed.
        await appendFile(file, entry('bank', 'second-key'));
        const reload = await fetch(`http://127.0.0.1:${adminPort}/reload`, { method: 'POST' });
        expect(reload.status).toBe(200);
        await eventually('the second key', async () => (await ask(server, 'second-key')) === 200);
        expect(await ask(server, 'key-of-the-bank')).toBe(200);

        // An invalid line changes nothing.
        await appendFile(file, 'bank:in-the-clear\n');
        server.signal('SIGHUP');
        await server.says(
          'the refusal',
          ({ msg }) => msg === 'cannot read the keys; keeping the current ones',
        );
        await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
        expect(await ask(server, 'second-key')).toBe(200);

        await writeFile(file, entry('bank', 'second-key'));
        server.signal('SIGHUP');
        await eventually(
          'the end of the first key',
          async () => (await ask(server, 'key-of-the-bank')) === 401,
        );
        expect(await ask(server, 'second-key')).toBe(200);

        // A process that replaces another has the same keys.
        const [victim] = server.serverProcesses() as [number];
        process.kill(victim, 'SIGKILL');
        await eventually(
          'a successor',
          () => server.serverProcesses().length === 2 && !server.serverProcesses().includes(victim),
          20_000,
        );
        for (let requests = 0; requests < 20; requests++) expect(await ask(server)).toBe(401);

        const metrics = `http://127.0.0.1:${server.metricsPort}/metrics`;
        expect((await fetch(metrics)).status).toBe(401);
        const scraped = await fetch(metrics, { headers: { authorization: 'Bearer second-key' } });
        expect(await scraped.text()).toMatch(/^api_key_requests_total\{client="bank"\} [1-9]/m);

        expect((await server.stop()).code).toBe(0);
        for (const secret of ['key-of-the-bank', 'second-key', 'guess', 'in-the-clear'])
          expect(server.said()).not.toContain(secret);
      });
    }));

  it('does not start with keys that it cannot read', () =>
    withLaunched({ env: { API_KEYS: 'bank:secret' } }, async (server) => {
      expect((await server.ended(60_000)).code).toBe(1);
      expect(server.said()).toContain('API_KEYS, entry 1, is not CLIENT:DIGEST');
      expect(server.said()).not.toContain('secret');
    }));
});
