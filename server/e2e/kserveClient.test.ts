import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { fromHome } from '../platform/install.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import { clientProgram, clientsMissing, needsClients } from '../testing/protocolClients.ts';
import { freePort } from '../testing/freePort.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const ROWS = readAdultRows().slice(100, 125);
const labels = ROWS.map(({ label }) => label);

interface TensorAnswer {
  readonly labels: string[];
  readonly probabilities: number[][];
  readonly id: string;
  readonly model: string;
}
interface Observed<Answer> {
  readonly modelReady: boolean;
  readonly answers: Readonly<Record<string, Answer>>;
  readonly error: readonly [status: number, message: string];
}

describe.skipIf(clientsMissing ?? nginxMissing)(needsClients("KServe's own client, unchanged"), () => {
  let server: Server;
  let observed: {
    readonly v1: Observed<string[]>;
    readonly v2: Observed<TensorAnswer> & { readonly live: boolean; readonly ready: boolean };
    readonly grpc: {
      readonly live: boolean;
      readonly ready: boolean;
      readonly modelReady: boolean;
      readonly answers: Readonly<Record<string, TensorAnswer>>;
      readonly model: readonly [code: string, sentence: string];
      readonly columns: readonly [code: string, sentence: string];
    };
  };
  beforeAll(async () => {
    const grpcPort = String(await freePort());
    server = await startServer({ env: { GRPC_PORT: grpcPort } });
    observed = await withTemporaryFolder(async (folder) => {
      const rows = join(folder, 'rows.json');
      writeFileSync(rows, JSON.stringify({ columns: ADULT_COLUMNS, data: ROWS.map(({ cells }) => cells) }));
      const args = [
        '-W',
        'ignore',
        fromHome('scripts/testing/kserveClient.py'),
        String(server.port),
        rows,
        grpcPort,
      ];
      const { stdout } = await promisify(execFile)(clientProgram('python'), args, { timeout: 100_000 });
      return JSON.parse(stdout) as typeof observed;
    });
  });
  afterAll(() => server.clean());

  it('predicts over V1, with objects and with lists', () => {
    const { modelReady, answers, error } = observed.v1;
    expect(modelReady).toBe(true);
    expect(answers).toEqual({ records: labels, lists: labels });
    expect(error).toEqual([400, expect.stringContaining('missing: "workclass", ')]);
  });

  it('predicts over V2, with JSON and binary tensors in both directions', () => {
    const { live, ready, modelReady, answers, error } = observed.v2;
    expect([live, ready, modelReady]).toEqual([true, true, true]);
    expect(Object.keys(answers)).toEqual(['json', 'binary', 'binary answer']);
    for (const [name, answer] of Object.entries(answers)) {
      expect([answer.labels, answer.id, answer.model], name).toEqual([labels, 'mine', 'adult']);
      ROWS.forEach(({ probability }, at) =>
        expect(answer.probabilities[at]?.[1], name).toBeCloseTo(probability, 5),
      );
    }
    expect(error).toEqual([400, expect.stringContaining('missing: "workclass", ')]);
  });

  it('predicts over gRPC, with typed and with raw tensors', () => {
    const { live, ready, modelReady, answers, model, columns } = observed.grpc;
    expect([live, ready, modelReady]).toEqual([true, true, true]);
    expect(Object.keys(answers)).toEqual(['typed', 'raw']);
    for (const [name, answer] of Object.entries(answers)) {
      expect([answer.labels, answer.id, answer.model], name).toEqual([labels, 'mine', 'adult']);
      ROWS.forEach(({ probability }, at) =>
        expect(answer.probabilities[at]?.[1], name).toBeCloseTo(probability, 5),
      );
    }
    expect(model[0]).toBe('NOT_FOUND');
    expect(columns).toEqual(['INVALID_ARGUMENT', expect.stringContaining('missing: "workclass", ')]);
  });
});
