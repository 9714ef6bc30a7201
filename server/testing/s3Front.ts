import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to the store. */
export interface Asked {
  /** With its query. */
  readonly path: string;
  readonly range: string | undefined;
  /** Milliseconds of performance.now(). */
  readonly at: number;
}

/** How a request is answered: by the store (undefined), with an error, or with a body that breaks off. */
export type Fate = { readonly status: number; readonly code: string } | Cut | undefined;

interface Cut {
  /** Bytes of the body that are sent. */
  readonly cutAt: number;
  /** Resolves when the client has them: until then the connection stays open. */
  readonly has: () => Promise<unknown>;
}

/** A proxy before a store that lets some requests fail. */
export interface Front {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

const fail = (outgoing: ServerResponse, status: number, code: string): void => {
  outgoing.writeHead(status, { 'content-type': 'application/xml' });
  outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>made up</Message></Error>`);
};

export async function createFront(store: string, decide: (asked: Asked) => Fate): Promise<Front> {
  const asked: Asked[] = [];
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse, cut: Cut | undefined): void => {
    // The host header stays as it is, since it is signed.
    const options = { method: incoming.method, path: incoming.url, headers: incoming.headers };
    const sent = request(store, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!cut) return void answer.pipe(outgoing);
      void answer.toArray().then(async (chunks: Buffer[]) => {
        outgoing.write(Buffer.concat(chunks).subarray(0, cut.cutAt));
        await cut.has();
        outgoing.destroy();
      });
    });
    sent.on('error', () => outgoing.destroy());
    incoming.pipe(sent);
  };
  const server = createServer((incoming, outgoing) => {
    const one = { path: incoming.url ?? '', range: incoming.headers.range, at: performance.now() };
    const fate = decide(one);
    asked.push(one);
    if (fate && 'status' in fate) fail(outgoing, fate.status, fate.code);
    else pass(incoming, outgoing, fate);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
