import { createHash } from 'node:crypto';
import type { Label } from '../../../worker/protocol.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { withFile } from '../../../server/repository/versionFiles.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { listFolder } from '../../../server/repository/folder.ts';
import type { Model } from '../../../server/model/model.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import type { RecordedOutput } from '../../../server/observers/predictionLog/record.ts';
import { openModel, predictionOf } from '../../models/openVersion.ts';
import type { Version, Versions } from './scorer.ts';

const orNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

function outputOf(model: Model, answers: Float64Array, row: number): RecordedOutput {
  const { output } = model;
  if (output.task === 'regression') return { value: orNull(answers[row]) };
  if (output.task === 'several') {
    const { values, scores } = output;
    const from = row * answerWidth(output);
    const prediction = [predictionOf({ output }, answers, row)].flat() as readonly (Label | null)[];
    const named = values.map(({ name }, k) => {
      const value = prediction[k] ?? null;
      return [name, typeof value === 'number' ? orNull(value) : value];
    });
    const numbers = Array.from({ length: scores?.width ?? 0 }, (_, k) =>
      orNull(answers[from + values.length + k]),
    );
    return {
      values: Object.fromEntries(named) as Record<string, Label | null>,
      ...(scores && { scores: numbers }),
    };
  }
  const at = row * answerWidth(output) + 1;
  const probabilities = output.classes.map((name, k) => [String(name), orNull(answers[at + k])]);
  return {
    label: predictionOf(model, answers, row) as Label,
    probabilities: Object.fromEntries(probabilities) as Record<string, number | null>,
  };
}

/** Scores on ONNX Runtime, by the whole graph: the reference for every faster path. */
async function open(candidate: Candidate): Promise<Version> {
  const { model } = await readModelVersion(candidate);
  const { inputs } = model.signature;
  const names = inputs.map(({ name }) => name);
  const opened = await openModel(model);
  return {
    signature: model.signature,
    close: opened.close,
    score: async (rows) => {
      const data = rows.map((row) => names.map((name) => row[name]));
      const encoded = model.encoder.encode(names, data, { skipBadRows: true });
      const answers = await opened.score(encoded);
      const refused = new Set(encoded.refused?.rows);
      let next = 0;
      return rows.map((_, row) => (refused.has(row) ? undefined : outputOf(model, answers, next++)));
    },
  };
}

/** The versions of a repository in a folder, by the digest of their ONNX file. @throws {ModelRefused} */
export async function openRepository(folder: string): Promise<Versions> {
  const byDigest = new Map<string, Candidate[]>();
  for (const candidate of (await listFolder(folder)).candidates) {
    const sha256 = await withFile(candidate, 'model.onnx', async (handle) => {
      const digest = createHash('sha256');
      for await (const bytes of handle.createReadStream({ autoClose: false })) digest.update(bytes as Buffer);
      return digest.digest('hex');
    });
    if (sha256 !== undefined) byDigest.set(sha256, [...(byDigest.get(sha256) ?? []), candidate]);
  }
  return {
    find: async (model, sha256) => {
      const candidates = byDigest.get(sha256) ?? [];
      const candidate = candidates.find(({ id }) => id === model) ?? candidates[0];
      return candidate && open(candidate);
    },
  };
}
