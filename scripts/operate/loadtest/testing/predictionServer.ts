import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the small server sees it: number 0 is the one that asks whether the server is there. */
export interface Received {
  readonly number: number;
  readonly atMs: number;
  readonly request: IncomingMessage;
  readonly body: { readonly columns: string[]; readonly data: unknown[][] };
  readonly answer: ServerResponse;
  /** Answers 200 with this label for every row. */
  predict(label?: string): void;
  /** Answers with a problem. */
  refuse(status: number, code: string): void;
}

export interface PredictionServer {
  readonly url: string;
  readonly received: readonly Received[];
  [Symbol.asyncDispose](): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<Received['body']> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Received['body'];
}

/** A server on 127.0.0.1 that does with each request what `handle` says. */
export async function startPredictionServer(handle: (received: Received) => void): Promise<PredictionServer> {
  const received: Received[] = [];
  const server = createServer((request, answer) => {
    const atMs = performance.now();
    // A client that hangs up in the middle of its request is part of some tests.
    readBody(request).then(
      (body) => {
        const one: Received = {
          number: received.length,
          atMs,
          request,
          body,
          answer,
          predict(label = 'yes') {
            answer.setHeader('content-type', 'application/json');
            answer.end(JSON.stringify({ predictions: body.data.map(() => label) }));
          },
          refuse(status, code) {
            answer.writeHead(status, { 'content-type': 'application/problem+json' });
            answer.end(JSON.stringify({ status, code, detail: `refused: ${code}` }));
          },
        };
        received.push(one);
        handle(one);
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/predict`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
