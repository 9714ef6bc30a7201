import { pipeline } from 'node:stream';
import { writeFileCsv, writeFileJson } from '../../dialects/fileAnswer.ts';
import { scoreFile } from '../../prediction/scoreFile.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { InferenceRecorder } from '../../metrics/inference.ts';
import { answerHeaders } from '../answerHeaders.ts';
import type { AppContext } from '../context.ts';
import type { Compression } from '../compress.ts';
import { compressedHeaders, compressionFor } from '../compress.ts';
import type { Model } from '../../model/model.ts';
import type { Predictor } from '../../prediction/predictor.ts';
import { timings } from '../../prediction/timings.ts';
import type { Spool } from '../../platform/spool.ts';
import { openSpool } from '../../platform/spool.ts';
import type { Methods } from '../router.ts';
import { fileAnswerType } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import { readNativeParameters, requireProbabilities } from './predictInput.ts';
import { receiveFile } from '../upload.ts';

export interface PredictFileDeps {
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly recorder: Pick<InferenceRecorder, 'parsed'>;
  readonly maxFileBytes: number;
  /** Where files wait while they are worked on. */
  readonly folder: string;
}

/** Packs what the generator makes. */
async function* pack(parts: AsyncGenerator<string>, packing: Compression): AsyncGenerator<Uint8Array> {
  const packer = packing.createStream();
  // What fails ends the packer, and with it the loop; when the loop is left, the generator is.
  pipeline(parts, packer, () => undefined);
  for await (const bytes of packer) yield bytes as Uint8Array;
}

/** Sends what the generator makes, and frees the spools when all is sent or the caller is gone. */
function toStream(
  parts: AsyncGenerator<string | Uint8Array>,
  spools: readonly Spool[],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const free = (): Promise<unknown> => Promise.all(spools.map((spool) => spool.close()));
  return new ReadableStream({
    pull: async (controller) => {
      try {
        const next = await parts.next();
        if (next.done !== true) {
          const { value } = next;
          return controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value);
        }
      } catch (error) {
        await free();
        throw error;
      }
      await free();
      controller.close();
    },
    cancel: async () => {
      await parts.return(undefined).finally(free);
    },
  });
}

/**
 * `POST` predicts for every row of an uploaded CSV and answers JSON or, by Accept, the CSV with the predictions. The
 * file lies on disk while it is worked on: that bounds the memory, frees nginx and the connection's timeouts from the
 * pace of the predictions, and no byte is answered before the whole file was checked.
 */
export function predictFileRoute(
  { predictor, http, recorder, maxFileBytes, folder }: PredictFileDeps,
  modelOf: ModelOf,
): Methods {
  const answer = async (c: AppContext, model: Model, file: Spool, answers: Spool): Promise<Response> => {
    const type = fileAnswerType(c);
    const { probabilities, extra, on_error, header } = readNativeParameters(c);
    const wanted = probabilities === 'true';
    if (wanted) requireProbabilities(model);
    await receiveFile(c, file, maxFileBytes);
    http.body(file.bytes);
    const scores = await scoreFile(predictor, model, file, answers, {
      ignoreExtra: extra === 'ignore',
      skipBadRows: on_error === 'null',
      header: header === 'true',
      requestId: c.get('request').id,
      signal: c.req.raw.signal,
    });
    recorder.parsed(model, scores.parseSeconds);
    const parts =
      type === 'csv'
        ? writeFileCsv(model, file, answers, header === 'true', wanted)
        : writeFileJson(model, answers, scores, wanted);
    const headers = {
      // The cells are the caller's own: a browser is to save them, not to show them.
      ...(type === 'csv'
        ? {
            'content-type': 'text/csv; charset=utf-8',
            'content-disposition': 'attachment; filename="predictions.csv"',
            'x-content-type-options': 'nosniff',
          }
        : { 'content-type': 'application/json' }),
      ...answerHeaders(c),
      'server-timing': timings(scores),
    };
    // However long it is: that isn't known yet.
    const packing = compressionFor(c, Infinity);
    const spools = [file, answers];
    return packing
      ? new Response(toStream(pack(parts, packing), spools), { headers: compressedHeaders(packing, headers) })
      : new Response(toStream(parts, spools), { headers });
  };
  return {
    POST: async (c) => {
      const model = modelOf(c);
      const file = await openSpool(folder);
      const answers = await openSpool(folder);
      try {
        return await answer(c, model, file, answers);
      } catch (error) {
        await Promise.all([file.close(), answers.close()]);
        throw error;
      }
    },
  };
}
