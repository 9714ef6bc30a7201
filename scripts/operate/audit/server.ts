import type { RecordedOutput } from '../../../server/observers/predictionLog/record.ts';
import type { Label } from '../../../worker/protocol.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { post } from '../../cli/post.ts';
import { Failure, reasonOf } from '../../cli/faults.ts';
import type { Version, Versions } from './scorer.ts';

const TIMEOUT_MS = 30_000;

interface Answer {
  readonly predictions: readonly (Label | null)[];
  readonly probabilities?: readonly (readonly (number | null)[] | null)[];
  readonly classes?: readonly Label[];
  readonly errorsTotal?: number;
}

/** Of a bad row there is none. */
function outputOf(
  { predictions, probabilities, classes, errorsTotal = 0 }: Answer,
  row: number,
): RecordedOutput | undefined {
  const prediction = predictions[row] ?? null;
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
      const scores = signature.task === 'classification' ? '&probabilities=true' : '';
      const url = new URL(`${path}/predict?on_error=null${scores}`, server);
      const outcome = await post(url, { columns, data }, TIMEOUT_MS, interrupt);
      if (!outcome.ok) throw new Failure(`${path} did not answer: ${outcome.reason}`);
      return rows.map((_, row) => outputOf(outcome.answer as unknown as Answer, row));
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
