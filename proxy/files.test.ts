import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { answers } from './testing/startUpstream.ts';
import { startChain } from './testing/withChain.ts';

const MAX_BODY_BYTES = 1024;
const MAX_FILE_BYTES = 3 * 1024 * 1024;
const DEADLINE_MS = 100;

const post = (path: string, bytes: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;

describe.skipIf(nginxMissing)(needsNginx('an upload through nginx'), () => {
  let chain: Awaited<ReturnType<typeof startChain>>;
  beforeAll(async () => {
    chain = await startChain({
      processes: 3,
      maxBodyBytes: MAX_BODY_BYTES,
      maxFileBytes: MAX_FILE_BYTES,
      deadlineMs: DEADLINE_MS,
    });
  });
  afterAll(() => chain.stop());
  afterEach(async () => {
    for (const upstream of chain.upstreams) {
      upstream.behaviour = answers;
      upstream.received.length = 0;
      await upstream.stop();
      await upstream.restart();
    }
  });
  const received = (): number => chain.upstreams.flatMap((upstream) => upstream.received).length;

  it.each(['/predict_file', '/predict_file/', '/models/adult/predict_file', '/models/adult/predict_file/'])(
    'to %s has the size limit of a file',
    async (path) => {
      const { status } = await rawRequest(chain.proxy.port, post(path, MAX_FILE_BYTES));
      expect([status, received()]).toEqual([200, 1]);
      expect((await rawRequest(chain.proxy.port, post(path, MAX_FILE_BYTES + 1))).status).toBe(413);
    },
  );

  it.each(['/predict', '/predict_file/x', '/models/a/b/predict_file', '/x/predict_file', '/predict_files'])(
    'to %s has the size limit of a body',
    async (path) => {
      expect((await rawRequest(chain.proxy.port, post(path, MAX_BODY_BYTES + 1))).status).toBe(413);
      expect(received()).toBe(0);
    },
  );

  it('may take longer than the deadline of a request', async () => {
    for (const upstream of chain.upstreams) {
      // Longer than the deadline and the extra second of the proxy.
      upstream.behaviour = (answer) => void setTimeout(() => answer.end('late'), DEADLINE_MS + 1500);
    }
    expect((await rawRequest(chain.proxy.port, post('/predict', 10))).status).toBe(504);
    const { status, body } = await rawRequest(chain.proxy.port, post('/predict_file', 10));
    expect([status, body]).toEqual([200, 'late']);
  });

  it('is sent completely to another process when one dies', async () => {
    let deaths = 0;
    for (const upstream of chain.upstreams) {
      upstream.behaviour = (answer, request) =>
        deaths++ === 0 ? void upstream.stop() : answers(answer, request);
    }
    const { status } = await rawRequest(chain.proxy.port, post('/predict_file', 2_000_000));
    const sizes = chain.upstreams.flatMap((upstream) => upstream.received.map(({ body }) => body.length));
    expect([status, sizes]).toEqual([200, [2_000_000, 2_000_000]]);
  });

  it.each([10, 2_000_000])('of %d bytes that kills every process kills two of them', async (bytes) => {
    for (const upstream of chain.upstreams) upstream.dieOfNext();
    const { status, body } = await rawRequest(chain.proxy.port, post('/predict_file', bytes));
    expect([status, JSON.parse(body)]).toMatchObject([503, { code: 'not_ready' }]);
    expect(received()).toBe(2);
  });
});
