import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { fromHome } from '../platform/install.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import { freePort } from '../testing/freePort.ts';
import { goProgramMissing } from '../testing/goPrograms.ts';
import { grpcCase } from '../testing/grpcLoad.ts';
import { clientProgram, clientsMissing, needsClients } from '../testing/protocolClients.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 150_000 });

const run = promisify(execFile);
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const ROWS = readAdultRows().slice(100, 125);
const labels = ROWS.map(({ label }) => label);
const goMissing = goProgramMissing('grpcurl', 'ghz');

interface Answer {
  readonly labels: readonly string[];
  readonly probabilities: readonly (readonly number[])[];
}
interface Triton {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: boolean;
  readonly model: { readonly name: string; readonly inputs: readonly { readonly name: string }[] };
  readonly answers: Readonly<Record<string, Answer>>;
  readonly errors: Readonly<Record<string, readonly [code: string, sentence: string]>>;
}

let server: Server;
let grpcPort = '';
beforeAll(async () => {
  if (nginxMissing !== undefined) return;
  grpcPort = String(await freePort());
  server = await startServer({ env: { GRPC_PORT: grpcPort, MAX_BODY_BYTES: String(MAX_BODY_BYTES) } });
});
afterAll(() => server?.clean());

describe.skipIf(clientsMissing ?? nginxMissing)(
  needsClients("Triton's and gRPC's own clients, unchanged"),
  () => {
    let observed: {
      readonly tritonGrpc: Triton;
      readonly tritonHttp: Triton;
      readonly grpcio: Readonly<Record<string, unknown>>;
    };
    beforeAll(async () => {
      observed = await withTemporaryFolder(async (folder) => {
        const rows = join(folder, 'rows.json');
        writeFileSync(rows, JSON.stringify({ columns: ADULT_COLUMNS, data: ROWS.map(({ cells }) => cells) }));
        const program = fromHome('scripts/testing/grpcClients.py');
        const args = ['-W', 'ignore', program, String(server.port), grpcPort, rows, String(MAX_BODY_BYTES)];
        const { stdout } = await run(clientProgram('python'), args, { timeout: 120_000 });
        return JSON.parse(stdout) as typeof observed;
      });
    });

    it.each(['tritonGrpc', 'tritonHttp'] as const)('%s predicts, and reads what the server has', (name) => {
      const { live, ready, modelReady, model, answers, errors } = observed[name];
      expect([live, ready, modelReady]).toEqual([true, true, true]);
      expect(model.inputs.map((input) => input.name)).toEqual(ADULT_COLUMNS);
      expect(Object.keys(answers)).toEqual(name === 'tritonGrpc' ? ['plain', 'gzip', 'deflate'] : ['plain']);
      for (const answer of Object.values(answers)) {
        expect(answer.labels).toEqual(labels);
        ROWS.forEach(({ probability }, at) =>
          expect(answer.probabilities[at]?.[1]).toBeCloseTo(probability, 5),
        );
      }
      const codes = Object.entries(errors).map(([what, [code]]) => `${what}: ${code}`);
      expect(codes).toEqual(
        name === 'tritonGrpc'
          ? [
              'model: StatusCode.NOT_FOUND',
              'version: StatusCode.NOT_FOUND',
              'columns: StatusCode.INVALID_ARGUMENT',
            ]
          : ['model: 404', 'version: 404', 'columns: 400'],
      );
      expect(errors['columns']?.[1]).toContain('missing: "workclass", ');
    });

    it('grpcio: deadlines, cancellation, pings, a thousand calls on one connection, limits', () => {
      expect(observed.grpcio).toEqual({
        first: labels[0],
        thousand: ['OK'],
        deadline: 'DEADLINE_EXCEEDED',
        cancelled: 'CANCELLED',
        afterPings: 'OK',
        connections: 1,
        atLimit: 'OK',
        aboveLimit: 'RESOURCE_EXHAUSTED',
        otherService: 'UNIMPLEMENTED',
        garbage: 'INVALID_ARGUMENT',
        stream: 'UNIMPLEMENTED',
        // nginx ends such a connection; other clients name it RESOURCE_EXHAUSTED.
        largeMetadata: expect.stringMatching(/^(?:UNAVAILABLE|RESOURCE_EXHAUSTED)$/) as string,
        afterLargeMetadata: 'OK',
      });
    });
  },
);

const title = (what: string): string => (goMissing === undefined ? what : `${what} (${goMissing})`);

describe.skipIf(goMissing ?? nginxMissing)(title('programs that know the server by its reflection'), () => {
  it('grpcurl lists, describes and calls without a file', async () => {
    const grpcurl = async (...args: string[]): Promise<string> =>
      (await run('grpcurl', ['-plaintext', ...args], { timeout: 30_000 })).stdout;
    const target = `127.0.0.1:${grpcPort}`;
    expect((await grpcurl(target, 'list')).trim().split('\n')).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'inference.GRPCInferenceService',
    ]);
    expect(await grpcurl(target, 'describe', 'inference.ModelInferRequest')).toContain(
      'raw_input_contents = 7',
    );
    const call = ['-d', '{"name":"adult"}', target, 'inference.GRPCInferenceService/ModelReady'];
    expect(JSON.parse(await grpcurl(...call))).toEqual({ ready: true });
    expect(JSON.parse(await grpcurl(target, 'grpc.health.v1.Health/Check'))).toEqual({ status: 'SERVING' });
  });

  it('ghz sends two thousand calls without a failure', () =>
    withTemporaryFolder(async (folder) => {
      const data = join(folder, 'message.bin');
      writeFileSync(data, grpcCase(ROWS.slice(0, 1)).message);
      const { stdout } = await run(
        'ghz',
        [
          ...['--insecure', '--call', 'inference.GRPCInferenceService/ModelInfer', '--binary-file', data],
          ...['-n', '2000', '-c', '20', '--connections', '2', '-O', 'json', `127.0.0.1:${grpcPort}`],
        ],
        { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
      );
      const report = JSON.parse(stdout) as { count: number; statusCodeDistribution: Record<string, number> };
      expect([report.count, report.statusCodeDistribution]).toEqual([2000, { OK: 2000 }]);
    }));
});
