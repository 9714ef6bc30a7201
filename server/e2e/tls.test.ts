import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { connect } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { withLaunched, withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 120_000 });

interface Spoken {
  readonly protocol: string | null;
  readonly name: string;
}

/** A TLS handshake. @returns the certificate's subject, and the version */
async function shakeHands(port: number, versions: readonly [SecureVersion, SecureVersion]): Promise<Spoken> {
  const [minVersion, maxVersion] = versions;
  const socket = connect({
    host: '127.0.0.1',
    port,
    minVersion,
    maxVersion,
    rejectUnauthorized: false,
    // Otherwise the client itself would refuse old versions.
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  try {
    await once(socket, 'secureConnect');
    return { protocol: socket.getProtocol(), name: String(socket.getPeerCertificate().subject.CN) };
  } finally {
    socket.destroy();
  }
}

async function get(port: number, path: string, ca: Buffer): Promise<IncomingMessage> {
  const agent = new Agent({ ca });
  const sent = request({ host: '127.0.0.1', port, path, agent }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  agent.destroy();
  return answer;
}

describe.skipIf(nginxMissing)(needsNginx('TLS'), () => {
  it('accepts modern versions only, and takes a renewed certificate at SIGHUP', () =>
    withTemporaryFolder(async (folder) => {
      const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      makeCertificate(certificate, key, 'first');
      await withServer({ env: { TLS_CERT: certificate, TLS_KEY: key } }, async (server) => {
        const { port } = server;
        expect(server.stdout()).toContain(`ready on https://127.0.0.1:${port}`);
        expect(await shakeHands(port, ['TLSv1.2', 'TLSv1.2'])).toEqual({
          protocol: 'TLSv1.2',
          name: 'first',
        });
        expect(await shakeHands(port, ['TLSv1.3', 'TLSv1.3'])).toEqual({
          protocol: 'TLSv1.3',
          name: 'first',
        });
        await expect(shakeHands(port, ['TLSv1', 'TLSv1.1'])).rejects.toThrow();

        const ca = readFileSync(certificate);
        const good = await get(port, '/health/ready', ca);
        expect(good.statusCode).toBe(200);
        expect(good.headers['strict-transport-security']).toBe('max-age=31536000');
        // nginx's own answer to plain HTTP on this port.
        const plain = await fetch(`http://127.0.0.1:${port}/health/ready`);
        expect(plain.status).toBe(400);
        expect(await plain.json()).toMatchObject({ code: 'bad_request' });

        makeCertificate(certificate, key, 'second');
        server.signal('SIGHUP');
        await eventually(
          'the second certificate',
          async () => (await shakeHands(port, ['TLSv1.3', 'TLSv1.3'])).name === 'second',
        );
        await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
        expect((await get(port, '/health/ready', readFileSync(certificate))).statusCode).toBe(200);
        expect((await server.stop()).code).toBe(0);
      });
    }));

  it('does not start with the key of another certificate, nor without the proxy', () =>
    withTemporaryFolder(async (folder) => {
      const files = ['a.pem', 'a.key', 'b.pem', 'b.key'].map((name) => join(folder, name));
      const [certificate = '', key = '', other = '', otherKey = ''] = files;
      makeCertificate(certificate, key, 'a');
      makeCertificate(other, otherKey, 'b');
      await withLaunched({ env: { TLS_CERT: certificate, TLS_KEY: otherKey } }, async (server) => {
        expect((await server.ended(60_000)).code).toBe(1);
        expect(server.said()).toContain("TLS_CERT and TLS_KEY don't make a pair");
      });
      const args = ['--no-install', '--no-proxy'];
      await withLaunched({ args, env: { TLS_CERT: certificate, TLS_KEY: key } }, async (server) => {
        expect((await server.ended(60_000)).code).toBe(1);
        expect(server.said()).toContain('TLS needs the proxy');
      });
    }));
});

describe.skipIf(nginxMissing)(needsNginx('headers of answers'), () => {
  it('reveal no version of the software', () =>
    withServer({}, async ({ port }) => {
      for (const path of ['/', '/predict', '/nothing', '/models', '/apidocs', `/${'x'.repeat(20_000)}`]) {
        const { headers } = await fetch(`http://127.0.0.1:${port}${path}`);
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('strict-transport-security')).toBeNull();
        expect(headers.get('x-powered-by')).toBeNull();
        expect(headers.get('server') ?? '').not.toMatch(/\d/);
      }
    }));
});
