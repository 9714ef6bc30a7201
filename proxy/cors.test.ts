import { describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { withChain } from './testing/withChain.ts';

const OURS = 'https://ours.example';
const ALLOW = 'access-control-allow-origin';

const tooLarge = (origin: string): string =>
  `POST /predict HTTP/1.1\r\nHost: x\r\nOrigin: ${origin}\r\nContent-Length: 999999999\r\n\r\n`;

describe.skipIf(nginxMissing)(needsNginx('an error that nginx makes, for a page of another origin'), () => {
  it('can be read by the pages of the accepted origins only', () =>
    withChain({ corsOrigins: [OURS, 'http://localhost:8080'] }, async ({ proxy }) => {
      const { status, headers } = await rawRequest(proxy.port, tooLarge(OURS));
      expect([status, headers[ALLOW]]).toEqual([413, [OURS]]);
      expect(headers['access-control-expose-headers']).toEqual(['x-request-id, retry-after']);
      for (const origin of ['https://other.example', `${OURS}:8443`, `${OURS}.evil.example`]) {
        const other = await rawRequest(proxy.port, tooLarge(origin));
        expect([origin, other.status, other.headers[ALLOW]]).toEqual([origin, 413, undefined]);
      }
    }));

  it('can be read by all with *', () =>
    withChain({ corsOrigins: ['*'] }, async ({ proxy }) => {
      expect((await rawRequest(proxy.port, tooLarge(OURS))).headers[ALLOW]).toEqual(['*']);
    }));

  it('has no CORS headers if CORS is off', () =>
    withChain({}, async ({ proxy }) => {
      const { headers } = await rawRequest(proxy.port, tooLarge(OURS));
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }));
});
