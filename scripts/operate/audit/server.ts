import type { RecordedOutput } from '../../../server/observers/predictionLog/record.ts';
import type { Label, OutputFeed, SeveralFeed } from '../../../worker/protocol.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { givesProbabilities, outputFeed } from '../../../server/model/signature.ts';
import { post } from '../../cli/post.ts';
import { Failure, reasonOf } from '../../cli/faults.ts';
import type { Version, Versions } from './scorer.ts';

const TIMEOUT_MS = 30_000;

interface Answer {
  readonly predictions: readonly (Label | null | readonly (Label | null)[])[];
  readonly probabilities?: readonly (readonly (number | null)[] | null)[];
  readonly classes?: readonly Label[];
  readonly score?: readonly (number | null)[];
  readonly distances?: readonly (readonly (number | null)[] | null)[];
  readonly errorsTotal?: number;
}

function severalOf(answer: Answer, row: number, { values, scores }: SeveralFeed): RecordedOutput | undefined {
  const prediction = answer.predictions[row] ?? null;
  if (prediction === null) return undefined;
  const list = [prediction].flat() as readonly (Label | null)[];
  return {
    values: Object.fromEntries(values.map(({ name }, k) => [name, list[k] ?? null])),
    ...(scores && { scores: [answer[scores.name]?.[row] ?? null].flat() }),
  };
}

/** Of a bad row there is none. */
function outputOf(answer: Answer, row: number, output: OutputFeed): RecordedOutput | undefined {
  if (output.task === 'several') return severalOf(answer, row, output);
  const { predictions, probabilities, classes, errorsTotal = 0 } = answer;
  const prediction = (predictions[row] ?? null) as Label | null;
  if (prediction === null && (classes || errorsTotal > 0)) return undefined;
  if (!classes) return { value: prediction as number | null };
  const numbers = probabilities?.[row] ?? [];
  return {
    label: prediction as Label,
    probabilities: Object.fromEntries(classes.map((name, k) => [String(name), numbers[k] ?? null])),
  };
}

/** The versions that a running server answers for. */
export function askServer(server: URL, interrupt: AbortSignal): Versions {
  const only = server.pathname === '/' ? undefined : server.pathname;
  const open = (path: string, signature: Signature): Version => ({
    signature,
    close: () => Promise.resolve(),
    score: async (rows) => {
      const columns = signature.inputs.map(({ name }) => name);
      const data = rows.map((row) => columns.map((name) => row[name]));
      const output = outputFeed(signature);
      const scores = givesProbabilities(output) ? '&probabilities=true' : '';
      const url = new URL(`${path}/predict?on_error=null${scores}`, server);
      const outcome = await post(url, { columns, data }, TIMEOUT_MS, interrupt);
      if (!outcome.ok) throw new Failure(`${path} did not answer: ${outcome.reason}`);
      return rows.map((_, row) => outputOf(outcome.answer as unknown as Answer, row, output));
    },
  });
  return {
    find: async (model, sha256) => {
      const [name = '', version = ''] = model.split('/');
      const path = only ?? `/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
      const response = await fetch(new URL(path, server), {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw new Failure(`${server.origin} can't be asked: ${reasonOf(error)}`);
      });
      if (response.status !== 200) return undefined;
      const signature = (await response.json()) as Signature;
      return signature.sha256 === sha256 ? open(path, signature) : undefined;
    },
  };
}
