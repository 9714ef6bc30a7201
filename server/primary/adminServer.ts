import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Logger } from 'pino';
import { Problem } from '../errors/problem.ts';
import type { VersionState } from '../model/catalogue.ts';
import type { OrderModels } from '../rollout/messages.ts';
import { readOrder } from '../rollout/readOrder.ts';

export interface AdminOptions {
  readonly versions: () => readonly VersionState[];
  /** Reads the repository now. Resolves with the states once all processes serve what it holds. */
  readonly refresh: () => Promise<readonly VersionState[]>;
  readonly orderModels: OrderModels;
  readonly log: Logger;
}

interface Route {
  readonly method: string;
  /** @returns the body of the answer */
  readonly answer: (body: string) => Promise<object> | object;
}

/** Bytes of the largest body: an order is short. */
const MAX_BODY_BYTES = 64 * 1024;

const ORDER = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)$/;

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

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Problem('body_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A name that can't be decoded is no model's. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * The operator's port: `POST /reload`, `GET /models`, and V2's `load` and `unload`. It listens on 127.0.0.1 only, since it
 * has no authentication.
 */
export function createAdminServer({ versions, refresh, orderModels, log }: AdminOptions): Server {
  const routes: Readonly<Record<string, Route>> = {
    '/reload': { method: 'POST', answer: async () => ({ models: await refresh() }) },
    '/models': { method: 'GET', answer: () => ({ models: versions() }) },
  };
  const find = (path: string): Route | undefined => {
    if (Object.hasOwn(routes, path)) return routes[path];
    const [, name, action] = ORDER.exec(path) ?? [];
    if (name === undefined) return undefined;
    const answer = async (body: string): Promise<object> => {
      await orderModels(readOrder(action as 'load' | 'unload', decode(name), body));
      return {};
    };
    return { method: 'POST', answer };
  };
  const fail = (response: ServerResponse, error: unknown): void => {
    // V2 doesn't use 422.
    if (error instanceof Problem)
      return send(response, error.status === 422 ? 400 : error.status, { error: error.message });
    log.error({ err: error }, 'an admin request failed');
    send(response, 500, { error: 'failed; the log says why' });
  };
  return createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]?.replace(/\/$/, '') ?? '';
    const route = find(path);
    const refuse = (status: number, error: string, headers = {}): void => {
      request.resume();
      send(response, status, { error }, headers);
    };
    if (fromBrowser(request)) return refuse(403, 'not for browsers');
    if (!route)
      return refuse(
        404,
        'there are POST /reload, GET /models, POST /v2/repository/models/{model}/load and …/unload',
      );
    if (request.method !== route.method) return refuse(405, 'method not allowed', { allow: route.method });
    if (!isJson(request)) return refuse(415, 'takes a body as application/json, or none');
    readBody(request)
      .then(route.answer)
      .then(
        (body) => send(response, 200, body),
        (error: unknown) => fail(response, error),
      );
  });
}
