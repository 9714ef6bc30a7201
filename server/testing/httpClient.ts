import { Agent, request } from 'node:http';

export interface RequestInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpClient {
  request(path: string, init?: RequestInit): Promise<Answer>;
  close(): void;
}

/** Speaks HTTP over a unix socket, which `fetch` can't. */
export function createHttpClient(socketPath: string): HttpClient {
  const agent = new Agent({ keepAlive: true });
  return {
    request: (path, { method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const outgoing = request({ socketPath, path, method, headers, agent }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: new Headers(incoming.headers as Record<string, string>),
              text: Buffer.concat(chunks).toString('utf8'),
            });
          });
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
