import { expect } from 'vitest';
import { ADULT_ROW, adultBody } from '../../testing/adult.ts';
import { withApp, withAppOnSocket } from '../../testing/withApp.ts';

withApp('requests are counted by method, route and status, never by the path of a client', async (app) => {
  await app.request('/models/adult?x=1');
  await app.request('/models/nope');
  await app.request('/made/up');
  await app.request('/', { method: 'PROPFIND' });
  await app.request('/', { method: 'HEAD' });
  await app.predict(adultBody(ADULT_ROW));
  const text = await app.metrics();
  const counted = [...text.matchAll(/^http_requests_total\{(.*)\} 1$/gm)].map(([, labels]) => labels);
  expect(counted.sort()).toEqual([
    'method="GET",route="/models/:model",status="200"',
    'method="GET",route="/models/:model",status="404"',
    'method="GET",route="none",status="404"',
    'method="HEAD",route="/",status="200"',
    'method="POST",route="/predict",status="200"',
    'method="other",route="/",status="405"',
  ]);
  expect(text).toMatch(/^http_request_duration_seconds_count\{.*route="\/predict".*\} 1$/m);
  expect(text).toMatch(/^http_requests_in_flight 0$/m);
  expect(text).not.toMatch(/nope|made|PROPFIND/);
});

withAppOnSocket(
  'a request in flight is counted until it is answered',
  async ({ predict, inference, metrics }) => {
    const { behaviour } = inference;
    inference.behaviour = async (...call) => {
      expect(await metrics()).toMatch(/^http_requests_in_flight 1$/m);
      return behaviour(...call);
    };
    expect((await predict(adultBody(ADULT_ROW))).status).toBe(200);
    expect(await metrics()).toMatch(/^http_requests_in_flight 0$/m);
  },
);
