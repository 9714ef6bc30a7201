import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { writeFrame } from '../dialects/grpc/frame.ts';
import { bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { CollectedSpan, Collector } from '../testing/collector.ts';
import { collectorMissing, needsCollector, startCollector } from '../testing/collector.ts';
import { freePort } from '../testing/freePort.ts';
import { grpcClient, grpcMethod } from '../testing/grpcClient.ts';
import { grpcCase } from '../testing/grpcLoad.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { eventually } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CALLER = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' };
const RESPONSE = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/;

const ask = (
  { port }: Server,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(20_000),
    ...(body === undefined ? {} : { method: 'POST', body }),
  });

const traceOf = (response: Response): string[] =>
  RESPONSE.exec(response.headers.get('traceresponse') ?? '')?.slice(1) ?? [];

describe.skipIf(nginxMissing ?? collectorMissing)(
  needsNginx(needsCollector('traces in a real collector')),
  () => {
    let collector: Collector;
    let server: Server;
    beforeEach(async () => {
      collector = await startCollector();
      server = await startServer({
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
          OTEL_SERVICE_NAME: 'the-service',
          OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20test,service.name=not-this',
          ACCESS_LOG: 'stdout',
        },
      });
    });
    afterEach(async () => {
      await server?.clean();
      await collector?.stop();
    });
    const spansOf = (trace: string, count: number): Promise<CollectedSpan[]> =>
      eventually(
        `${count} spans of ${trace}`,
        () => {
          const spans = collector.spans().filter(({ traceId }) => traceId === trace);
          return spans.length >= count && spans;
        },
        15_000,
      );
    const accessLine = async (requestId: string, of = server): Promise<Record<string, unknown>> => {
      const line = await eventually('the line of the access log', () =>
        of
          .stdout()
          .split('\n')
          .find((text) => text.includes(`"requestId":"${requestId}"`)),
      );
      return JSON.parse(line) as Record<string, unknown>;
    };

    it.each([
      ['a small request', 1],
      ['a large one, which waits for a thread', 2000],
    ])("%s: request, parse, queue and run, in the caller's trace", async (_, count) => {
      const rows = readAdultRows().slice(0, count);
      const trace = count === 1 ? CALLER.trace : CALLER.trace.replace('4bf9', 'aaaa');
      const headers = {
        traceparent: `00-${trace}-${CALLER.span}-01`,
        tracestate: 'vendor=a:b , other@x=1',
        'x-request-id': `rows-${count}`,
      };
      const response = await ask(server, '/models/adult/predict?extra=ignore', headers, bodyOf(rows));
      expect(response.status).toBe(200);
      const spans = await spansOf(trace, 4);
      const root = spans.find(({ kind }) => kind === 2) as CollectedSpan;
      expect(traceOf(response)).toEqual([trace, root.spanId, '01']);
      expect(root).toMatchObject({
        name: 'POST /models/:model/predict',
        parentSpanId: CALLER.span,
        traceState: 'vendor=a:b,other@x=1',
        status: 0,
        attributes: {
          'http.request.method': 'POST',
          'http.route': '/models/:model/predict',
          'http.response.status_code': '200',
        },
        resource: {
          'service.name': 'the-service',
          'service.version': '0.1.0',
          'deployment.environment.name': 'a test',
        },
      });
      expect(JSON.stringify(root.attributes)).toContain(`rows-${count}`);
      const phases = ['parse', 'queue', 'run'].map((name) =>
        spans.find((span) => span.name === name),
      ) as CollectedSpan[];
      let from = root.start;
      for (const phase of phases) {
        expect(phase).toMatchObject({
          parentSpanId: root.spanId,
          kind: 1,
          status: 0,
          attributes: { 'servemodel.model': 'adult/1', 'servemodel.rows': String(count) },
        });
        // In order, within the request, to a microsecond: spans have milliseconds with fractions.
        expect(phase.start).toBeGreaterThanOrEqual(from - 1000n);
        expect(phase.end).toBeGreaterThanOrEqual(phase.start);
        from = phase.end;
      }
      expect(from).toBeLessThanOrEqual(root.end + 1000n);
      expect(spans).toHaveLength(4);
      expect(await accessLine(`rows-${count}`)).toMatchObject({ traceId: trace, status: 200 });
    });

    it('a gRPC call: the trace of its metadata', async () => {
      const grpcPort = await freePort();
      const env = {
        GRPC_PORT: String(grpcPort),
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        ACCESS_LOG: 'stdout',
      };
      await withServer({ env }, async (ofGrpc) => {
        const client = grpcClient(`http://127.0.0.1:${grpcPort}`);
        const trace = CALLER.trace.replace('4bf9', 'cccc');
        const { path } = grpcMethod('ModelInfer');
        const headers = {
          traceparent: `00-${trace}-${CALLER.span}-01`,
          tracestate: 'vendor=a:b',
          'x-request-id': 'call',
        };
        try {
          const { message } = grpcCase(readAdultRows().slice(0, 1));
          const answer = await client.call(path, writeFrame(message), { headers });
          expect(answer).toMatchObject({ http: 200, status: '0' });
          const spans = await spansOf(trace, 4);
          const root = spans.find(({ kind }) => kind === 2) as CollectedSpan;
          expect(RESPONSE.exec(String(answer.headers['traceresponse']))?.slice(1)).toEqual([
            trace,
            root.spanId,
            '01',
          ]);
          expect(root).toMatchObject({
            name: `POST ${path}`,
            parentSpanId: CALLER.span,
            traceState: 'vendor=a:b',
            attributes: { 'http.route': path },
          });
          const others = spans.filter((span) => span !== root);
          expect(others.map(({ name }) => name).sort()).toEqual(['parse', 'queue', 'run']);
          for (const { parentSpanId } of others) expect(parentSpanId).toBe(root.spanId);
          expect(await accessLine('call', ofGrpc)).toMatchObject({ traceId: trace, grpcStatus: '0' });
        } finally {
          client.close();
        }
      });
    });

    it('a request without a trace, or with an invalid one, begins a trace', async () => {
      const invalid = [
        undefined,
        `00-${'0'.repeat(32)}-${CALLER.span}-01`,
        `ff-${CALLER.trace}-${CALLER.span}-01`,
      ];
      const traces: string[] = [];
      for (const [at, traceparent] of invalid.entries()) {
        const id = `own-${at}`;
        const response = await ask(server, '/models', {
          'x-request-id': id,
          ...(traceparent ? { traceparent } : {}),
        });
        const [trace = ''] = traceOf(response);
        expect([CALLER.trace, '0'.repeat(32), '']).not.toContain(trace);
        const [root] = await spansOf(trace, 1);
        expect(root).toMatchObject({ name: 'GET /models', parentSpanId: '' });
        expect(await accessLine(id)).toMatchObject({ traceId: trace });
        traces.push(trace);
      }
      expect(new Set(traces).size).toBe(3);
    });

    it('a caller’s decision not to record its trace is followed', async () => {
      const trace = CALLER.trace.replace('4bf9', 'bbbb');
      const response = await ask(server, '/models', { traceparent: `00-${trace}-${CALLER.span}-00` });
      expect(traceOf(response).at(0)).toBe(trace);
      expect(traceOf(response).at(2)).toBe('00');
      // A later span has arrived: so would this one.
      const [later = ''] = traceOf(await ask(server, '/models'));
      const [again = ''] = traceOf(await ask(server, '/models'));
      await spansOf(later, 1);
      await spansOf(again, 1);
      expect(collector.spans().filter(({ traceId }) => traceId === trace)).toEqual([]);
    });

    it('errors: the phase that failed, no path and no value of the caller', async () => {
      const secret = 'hunter2';
      const [unknown = ''] = traceOf(await ask(server, `/${secret}?${secret}=${secret}`));
      expect(await spansOf(unknown, 1)).toMatchObject([
        { name: 'GET', status: 0, attributes: { 'http.response.status_code': '404' } },
      ]);
      const body = JSON.stringify({ columns: [secret], data: [[secret]] });
      const [bad = ''] = traceOf(await ask(server, '/predict', { authorization: `Bearer ${secret}` }, body));
      const spans = await spansOf(bad, 2);
      expect(spans.map(({ name }) => name).sort()).toEqual(['POST /predict', 'parse']);
      expect(spans.find(({ name }) => name === 'parse')).toMatchObject({
        status: 2,
        attributes: { 'error.type': 'invalid_columns' },
      });
      const everything = JSON.stringify(collector.spans(), (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      expect(everything).not.toContain(secret);
    });

    it('spans of the last requests are sent at the end; none was dropped', async () => {
      const before = await scrape(server);
      expect(before.sum('trace_spans_dropped_total')).toBe(0);
      const asked = await Promise.all(Array.from({ length: 50 }, () => ask(server, '/models')));
      const traces = new Set(asked.map((response) => traceOf(response)[0]));
      expect((await server.stop()).code).toBe(0);
      const sent = new Set(collector.spans().map(({ traceId }) => traceId));
      await eventually('the last spans', () => {
        for (const { traceId } of collector.spans()) sent.add(traceId);
        return [...traces].every((trace) => sent.has(trace as string));
      });
      expect(server.lines().filter(({ level }) => level >= 40)).toEqual([]);
    });

    it('a sampler records its share of the requests without a caller’s decision', async () => {
      const env = {
        WEB_CONCURRENCY: '1',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/v1/traces`,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      };
      await withServer({ env, args: ['--no-install', '--no-proxy'] }, async (sampling) => {
        const responses = await Promise.all(Array.from({ length: 200 }, () => ask(sampling, '/models')));
        const sampled = responses.filter((response) => traceOf(response)[2] === '01').length;
        // Six standard deviations from 50.
        expect(sampled).toBeGreaterThan(13);
        expect(sampled).toBeLessThan(87);
        const traceparent = `00-${CALLER.trace}-${CALLER.span}-01`;
        expect(traceOf(await ask(sampling, '/models', { traceparent }))[2]).toBe('01');
      });
    });
  },
);
