import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { listen } from '../../../../server/http/listen.ts';
import type { AppEnv } from '../../../../server/http/context.ts';
import { readText } from '../../../../server/http/body.ts';
import type { Answer } from './subject.ts';

/** One process of the echo: reads and parses a body like the product, and sends a constant answer. */
const [, , socket = '', file = ''] = process.argv;
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const answers = new Map(JSON.parse(readFileSync(file, 'utf8')) as [number, Answer][]);

const app = new Hono<AppEnv>();
app.get('/health/ready', (c) => c.text('ready'));
app.post('/predict', async (c) => {
  const { data } = JSON.parse(await readText(c, MAX_BODY_BYTES)) as { data: unknown[] };
  const answer = answers.get(data.length);
  if (!answer) return c.text(`no answer for ${data.length} rows`, 500);
  // A plain object, as in the product's answers: no Headers object is made.
  return new Response(answer.body, { headers: answer.headers });
});
await listen(app, { socket });
