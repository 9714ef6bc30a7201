import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from '../../testing/temporaryFolder.ts';
import { createNginxReader } from './counts.ts';

/** As stub_status writes it. */
const status = (accepted: number, handled: number, requests: number): string =>
  `Active connections: 1 \nserver accepts handled requests\n ${accepted} ${handled} ${requests} \n` +
  'Reading: 0 Writing: 1 Waiting: 0 \n';

it('a restarted nginx counts from zero, whichever of its counts shows the restart', async () => {
  await withTemporaryFolder(async (folder) => {
    let answer = '';
    const server = createServer((_, response) => void response.end(answer));
    const socketPath = join(folder, 'status.sock');
    await once(server.listen(socketPath), 'listening');
    try {
      const registry = new Registry();
      const read = createNginxReader(registry, socketPath);
      const totals = async (...counts: Parameters<typeof status>): Promise<number[]> => {
        answer = status(...counts);
        await read();
        expect(await registry.metrics()).toContain('nginx_up 1');
        const text = await registry.metrics();
        return ['connections_accepted', 'connections_handled', 'http_requests'].map((name) =>
          Number(new RegExp(`^nginx_${name}_total (.*)$`, 'm').exec(text)?.[1]),
        );
      };
      expect(await totals(10, 9, 100)).toEqual([10, 9, 100]);
      expect(await totals(11, 10, 103)).toEqual([11, 10, 103]);
      // Fewer requests; then more, on fewer connections; then fewer handled ones.
      expect(await totals(12, 11, 5)).toEqual([23, 21, 108]);
      expect(await totals(3, 3, 50)).toEqual([26, 24, 158]);
      expect(await totals(4, 2, 51)).toEqual([30, 26, 209]);
    } finally {
      server.close();
    }
  });
});
