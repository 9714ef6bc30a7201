import type { Server as NetServer } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { freePort } from '../testing/freePort.ts';
import { withLaunched } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Takes a port, if no other program has it already. */
function occupy(port: number): Promise<NetServer> {
  const holder = createServer();
  return new Promise((resolve) => {
    holder.once('error', () => resolve(holder));
    holder.listen(port, '127.0.0.1', () => resolve(holder));
  });
}

describe('the port, which a busy one reveals,', () => {
  it.each([
    ['5000 by default', [], 5000],
    ["SageMaker's as `serve`", ['serve'], 8080],
  ] as const)('is %s', async (_, args, port) => {
    const holder = await occupy(port);
    try {
      const launch = { args: [...args, '--no-install', '--no-proxy'], env: { PORT: '' } };
      await withLaunched(launch, async (server) => {
        expect((await server.ended(60_000)).code).toBe(1);
        expect(server.said()).toContain(`PORT: 127.0.0.1:${port} is in use by another program`);
      });
    } finally {
      holder.close();
    }
  });
});

describe.skipIf(nginxMissing)(needsNginx('started as a platform starts it'), () => {
  it.each([
    ['SageMaker', (port: number) => ({ SAGEMAKER_BIND_TO_PORT: String(port) }), '/ping'],
    [
      'Vertex AI',
      (port: number) => ({ AIP_HTTP_PORT: String(port), AIP_HEALTH_ROUTE: '/vertex/health' }),
      '/vertex/health',
    ],
  ])('by %s, it listens and answers where it is asked', async (_, envOf, path) => {
    const port = await freePort();
    const launch = { args: ['serve', '--no-install'], env: { PORT: '', ...envOf(port) } };
    await withLaunched(launch, async (server) => {
      await server.ready();
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
      expect((await server.stop()).code).toBe(0);
    });
  });

  it('refuses a route of Vertex AI that is a built-in route, with one line', async () => {
    await withLaunched({ env: { AIP_PREDICT_ROUTE: '/predict' } }, async (server) => {
      expect((await server.ended()).code).toBe(2);
      expect(server.said()).toContain('AIP_PREDICT_ROUTE must be a path that no other route has');
    });
  });
});
