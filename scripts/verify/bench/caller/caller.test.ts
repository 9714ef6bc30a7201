import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readInferMessage } from '../../../../server/dialects/grpc/inferMessage.ts';
import { withTemporaryFolder } from '../../../../server/testing/temporaryFolder.ts';
import { grpcBody, httpBody } from './bodies.ts';
import type { CallOrder, CallOutcome } from './caller.ts';
import { sendCalls } from './caller.ts';

const BODIES = [
  { headers: { 'x-name': 'one' }, body: Buffer.from([0, 1, 255]).toString('base64') },
  { headers: { 'x-name': 'two' }, body: Buffer.from([2]).toString('base64') },
];

interface Seen {
  readonly path: string;
  readonly name: string;
  readonly body: Buffer;
}

/** Sends calls to a server, which answers those from the given one on with an error. */
async function calls(
  protocol: CallOrder['protocol'],
  changes: Partial<CallOrder> = {},
  failsFrom = Infinity,
): Promise<CallOutcome & { readonly seen: readonly Seen[]; readonly connections: number }> {
  const seen: Seen[] = [];
  let connections = 0;
  const note = (path: string, name: unknown, chunks: readonly Buffer[]): boolean =>
    seen.push({ path, name: String(name), body: Buffer.concat(chunks) }) < failsFrom;
  const onHttp = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.statusCode = note(request.url as string, request.headers['x-name'], chunks) ? 200 : 503;
      response.end('answer');
    });
  });
  const onGrpc = createHttp2Server().on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const isGood = note(headers[':path'] as string, headers['x-name'], chunks);
      const trailers = isGood ? { 'grpc-status': '0' } : { 'grpc-status': '3', 'grpc-message': 'bad' };
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end('answer');
    });
  });
  const server: Server = protocol === 'grpc' ? onGrpc : onHttp;
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await withTemporaryFolder(async (folder) => {
      const bodies = join(folder, 'bodies.json');
      await writeFile(bodies, JSON.stringify(BODIES));
      const { port } = server.address() as AddressInfo;
      const outcome = await sendCalls({
        ...{ protocol, host: '127.0.0.1', port, path: '/a.B/C', bodies, underWay: 4, connections: 4 },
        ...{ seconds: 20, calls: 100 },
        ...changes,
      });
      return { ...outcome, seen, connections };
    });
  } finally {
    server.close();
  }
}

it.each([
  ['http', 4],
  ['grpc', 4],
  ['grpc', 1],
] as const)(
  '%s: sends bodies in turn until the count is over, %i connections',
  async (protocol, expected) => {
    const { calls: good, failure, seen, connections } = await calls(protocol, { connections: expected });
    expect([good, failure, seen.length]).toEqual([100, undefined, 100]);
    expect(connections).toBe(expected);
    expect(seen.filter(({ name }) => name === 'one')).toHaveLength(50);
    for (const { path, name, body } of seen)
      expect([path, body]).toEqual(['/a.B/C', Buffer.from(name === 'one' ? [0, 1, 255] : [2])]);
  },
);

it.each(['http', 'grpc'] as const)('%s: ends in time', async (protocol) => {
  const { calls: good, seconds } = await calls(protocol, { seconds: 0.2, calls: Infinity });
  expect(good).toBeGreaterThan(0);
  expect(seconds).toBeGreaterThanOrEqual(0.2);
});

it.each([
  ['http', 'status 503'],
  ['grpc', 'grpc-status 3: bad'],
] as const)('%s: ends with the first failure', async (protocol, expected) => {
  const { calls: good, failure, seen } = await calls(protocol, {}, 10);
  expect([good, failure]).toEqual([9, expected]);
  expect(seen.length).toBeLessThanOrEqual(13);
});

it.each(['http', 'grpc'] as const)('%s: reports a server that is gone', async (protocol) => {
  const { failure } = await calls(protocol, { port: 1 });
  expect(failure).toMatch(/ECONNREFUSED/);
});

it('both bodies hold the same tensors', () => {
  const table = { columns: ['age', 'work'], data: [[39, ' é'] as const, [-1, ''] as const] };
  const bytes = [
    Buffer.from('2700000000000000ffffffffffffffff', 'hex'),
    Buffer.from('0300000020c3a900000000', 'hex'),
  ];
  const http = httpBody(table);
  const length = Number(http.headers['inference-header-content-length']);
  const sent = Buffer.from(http.body, 'base64');
  expect(sent.subarray(length)).toEqual(Buffer.concat(bytes));
  expect(JSON.parse(sent.subarray(0, length).toString())).toMatchObject({
    inputs: [
      { name: 'age', datatype: 'INT64', shape: [2], parameters: { binary_data_size: 16 } },
      { name: 'work', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 11 } },
    ],
  });
  expect(readInferMessage(Buffer.from(grpcBody(table).body, 'base64').subarray(5))).toMatchObject({
    modelName: 'adult',
    modelVersion: '1',
    inputs: [
      { name: 'age', datatype: 'INT64', shape: [2] },
      { name: 'work', datatype: 'BYTES', shape: [2] },
    ],
    raw: bytes,
  });
});
