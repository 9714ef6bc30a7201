import { Hono } from 'hono';
import { Piscina } from 'piscina';
import { listen } from '../../../../server/http/listen.ts';
import type { AppEnv } from '../../../../server/http/context.ts';
import { readText } from '../../../../server/http/body.ts';
import type { Table } from '../rows.ts';
import { THREADS } from './subject.ts';

/** One process of the naive server: each request is a task of its own; nothing is checked. */
const [, , socket = '', folder = ''] = process.argv;
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const piscina = new Piscina({
  filename: new URL('./naiveThread.js', import.meta.url).href,
  workerData: folder,
  minThreads: THREADS,
  maxThreads: THREADS,
  idleTimeout: Infinity,
});

const app = new Hono<AppEnv>();
app.get('/health/ready', (c) => c.text('ready'));
app.post('/predict', async (c) => {
  const table = JSON.parse(await readText(c, MAX_BODY_BYTES)) as Table;
  return c.json({ predictions: (await piscina.run(table)) as string[] });
});
await listen(app, { socket });
