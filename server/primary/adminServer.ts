import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Logger } from 'pino';
import type { VersionState } from '../model/catalogue.ts';

export interface AdminOptions {
  readonly versions: () => readonly VersionState[];
  /** Reads the repository now. Resolves with the states once all processes serve what it holds. */
  readonly refresh: () => Promise<readonly VersionState[]>;
  readonly log: Logger;
}

type Answer = (request: IncomingMessage) => Promise<readonly VersionState[]> | readonly VersionState[];

function send(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      ...headers,
    })
    .end(`${JSON.stringify(body)}\n`);
}

/** Any web page in a browser on this machine can send requests to a local port, by its own name or another one. */
const fromBrowser = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined ||
  headers['sec-fetch-site'] !== undefined ||
  !/^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(headers.host ?? '');

/** A page of another origin can send a form without asking, but no JSON: the rest of `fromBrowser` is a browser's word. */
const isJson = ({ headers }: IncomingMessage): boolean =>
  /^(?:application\/json *(?:;|$)|$)/i.test(headers['content-type'] ?? '');

/** The operator's port: `POST /reload`, `GET /models`. It listens on 127.0.0.1 only, since it has no authentication. */
export function createAdminServer({ versions, refresh, log }: AdminOptions): Server {
  const routes: Readonly<Record<string, { readonly method: string; readonly answer: Answer }>> = {
    '/reload': { method: 'POST', answer: refresh },
    '/models': { method: 'GET', answer: versions },
  };
  return createServer((request, response) => {
    request.resume();
    const path = request.url?.split('?', 1)[0]?.replace(/\/$/, '') ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (fromBrowser(request)) return send(response, 403, { error: 'not for browsers' });
    if (!route) return send(response, 404, { error: 'there are POST /reload and GET /models' });
    if (request.method !== route.method)
      return send(response, 405, { error: 'method not allowed' }, { allow: route.method });
    if (!isJson(request))
      return send(response, 415, { error: 'needs no body; send none, or application/json' });
    Promise.resolve(route.answer(request)).then(
      (models) => send(response, 200, { models }),
      (err: unknown) => {
        log.error({ err }, 'an admin request failed');
        send(response, 500, { error: 'failed; the log says why' });
      },
    );
  });
}
