import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { Logger } from 'pino';
import type { ReadHeader } from '../../access/gate.ts';

/**
 * Serves `GET /metrics`, and nothing else, on a port of its own: the public port never shows it.
 *
 * @param lets whether a request with these headers may read the metrics
 */
export function createMetricsServer(
  expose: () => Promise<string>,
  log: Logger,
  lets: (header: ReadHeader) => boolean = () => true,
): Server {
  return createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    response.setHeader('x-content-type-options', 'nosniff');
    if (path !== '/metrics' && path !== '/metrics/') {
      response
        .writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
        .end('There is only /metrics here.\n');
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else if (!lets((name) => request.headers[name]?.toString())) {
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="servemodel metrics"' }).end();
    } else {
      expose().then(
        (text) =>
          response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
        (err: unknown) => {
          log.error({ err }, 'a scrape failed');
          response.writeHead(503).end();
        },
      );
    }
  });
}
