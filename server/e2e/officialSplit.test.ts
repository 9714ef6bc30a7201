import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import type { AdultRow } from '../testing/adultRows.ts';
import { bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';

// Each wait has a deadline of its own; this one is for a machine that is busy with something else.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Rows of the requests, in turn: single rows, hundreds, and far more than a batch. */
const SIZES = [...Array.from({ length: 200 }, () => 1), ...Array.from({ length: 20 }, () => 100), 5000];
const CLIENTS = 8;

/** Tolerance between ONNX Runtime's float32 and scikit-learn's float64. */
const TOLERANCE = 1e-6;

describe.skipIf(nginxMissing)(needsNginx('the official test split through HTTP'), () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.clean());

  async function predict(rows: readonly AdultRow[]): Promise<{ labels: string[]; probabilities: number[] }> {
    const response = await fetch(`http://127.0.0.1:${server.port}/predict?probabilities=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bodyOf(rows),
      signal: AbortSignal.timeout(20_000),
    });
    const body = await response.text();
    if (response.status !== 200) throw new Error(body);
    const answer = JSON.parse(body) as { predictions: string[]; probabilities: number[][] };
    expect(Object.keys(answer)).toEqual(['predictions', 'probabilities', 'classes']);
    return { labels: answer.predictions, probabilities: answer.probabilities.map((row) => row[1] as number) };
  }

  it('gives each of the 16,281 rows the answer of scikit-learn', async () => {
    const rows = readAdultRows();
    expect(rows).toHaveLength(16_281);
    const parts: AdultRow[][] = [];
    for (let from = 0, turn = 0; from < rows.length; turn++) {
      const size = SIZES[turn % SIZES.length] as number;
      parts.push(rows.slice(from, from + size));
      from += size;
    }
    const answers = new Array<Awaited<ReturnType<typeof predict>>>(parts.length);
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < parts.length) {
        const part = next++;
        answers[part] = await predict(parts[part] as AdultRow[]);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));

    const labels = answers.flatMap((answer) => answer.labels);
    const probabilities = answers.flatMap((answer) => answer.probabilities);
    expect([labels.length, probabilities.length]).toEqual([rows.length, rows.length]);
    expect(rows.filter(({ label }, row) => label !== labels[row])).toEqual([]);
    const differences = rows.map(({ probability }, row) =>
      Math.abs(probability - (probabilities[row] ?? NaN)),
    );
    expect(differences.filter((difference) => !(difference < TOLERANCE))).toEqual([]);
    // The quality that the card states: it proves that the reference is the right one.
    const accuracy = rows.filter(({ truth }, row) => truth === labels[row]).length / rows.length;
    expect(accuracy).toBeCloseTo(0.8636, 4);
  });
});
