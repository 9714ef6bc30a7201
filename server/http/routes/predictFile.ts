import { pipeline } from 'node:stream';
import { writeFileCsv, writeFileJson } from '../../dialects/fileAnswer.ts';
import type { CsvForm } from '../../dialects/forms/csv.ts';
import { FILE_PARAMETERS } from '../../dialects/queryParameters.ts';
import { Problem } from '../../errors/problem.ts';
import type { Explainer } from '../../prediction/explainer.ts';
import type { FileScores } from '../../prediction/scoreFile.ts';
import { scoreFile } from '../../prediction/scoreFile.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { InferenceRecorder } from '../../metrics/inference.ts';
import { answerHeaders } from '../answerHeaders.ts';
import type { AppContext } from '../context.ts';
import type { Compression } from '../compress.ts';
import { compressedHeaders, compressionFor } from '../compress.ts';
import { header } from '../header.ts';
import type { Model } from '../../model/model.ts';
import type { Predictor } from '../../prediction/predictor.ts';
import { timings } from '../../prediction/timings.ts';
import type { Spool } from '../../platform/spool.ts';
import { openSpool } from '../../platform/spool.ts';
import type { Methods } from '../router.ts';
import { fileAnswerType } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import { createParameterReader } from '../parameters.ts';
import { csvForm, requireProbabilities } from './predictInput.ts';
import { receiveFile } from '../upload.ts';

export interface PredictFileDeps {
  readonly predictor: Predictor;
  /** Without it no file is explained. */
  readonly explainer: Explainer | undefined;
  readonly http: HttpRecorder;
  readonly recorder: Pick<InferenceRecorder, 'parsed'>;
  readonly maxFileBytes: number;
  /** The folder of the spools. */
  readonly folder: string;
}

const readFileParameters = createParameterReader(FILE_PARAMETERS);

/** @throws {Problem} invalid_parameter or not_explainable */
function requireExplainer(explainer: Explainer | undefined, model: Model, type: 'json' | 'csv'): Explainer {
  if (!explainer)
    throw new Problem('invalid_parameter', { detail: 'Explanations are switched off on this server.' });
  if (type !== 'csv')
    throw new Problem('invalid_parameter', {
      detail: 'The query parameter explain is for answers of type text/csv: send Accept: text/csv.',
    });
  explainer.requireExplainable(model);
  return explainer;
}

/** Compresses the text of a generator. */
async function* compress(
  parts: AsyncGenerator<string>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  const stream = compression.createStream();
  // An error of the generator destroys the stream and so ends the loop; leaving the loop ends the generator.
  pipeline(parts, stream, () => undefined);
  for await (const bytes of stream) yield bytes as Uint8Array;
}

/** A stream of what the generator makes. Closes the spools at its end, or when the client disconnects. */
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
 * `POST` predicts every row of an uploaded CSV and answers JSON or, by Accept, the CSV with the predictions. The file is
 * spooled while its first rows are scored: that bounds the memory, decouples the timeouts of the connection from the pace
 * of the predictions, and lets the whole file be checked before the first byte is answered.
 */
export function predictFileRoute(
  { predictor, explainer, http, recorder, maxFileBytes, folder }: PredictFileDeps,
  modelOf: ModelOf,
): Methods {
  const answer = async (c: AppContext, model: Model, file: Spool, answers: Spool): Promise<Response> => {
    const type = fileAnswerType(c);
    const parameters = readFileParameters(c);
    const { extra, on_error } = parameters;
    const probabilities = parameters.probabilities === 'true';
    if (probabilities) requireProbabilities(model);
    const explained = parameters.explain === 'true' ? requireExplainer(explainer, model, type) : undefined;
    const upload = receiveFile(c, file, maxFileBytes);
    const score = async (): Promise<{ readonly form: CsvForm; readonly scores: FileScores }> => {
      const form = csvForm(parameters, await upload.declared);
      const scores = await scoreFile(predictor, model, file, answers, {
        ignoreExtra: extra === 'ignore',
        skipBadRows: on_error === 'null',
        form,
        requestId: c.get('request').id,
        signal: c.req.raw.signal,
        explainer: explained,
      });
      return { form, scores };
    };
    const scoring = score();
    // The error of the upload comes first: the body is read to its end in any case.
    scoring.catch(() => undefined);
    await upload.complete;
    http.body(file.bytes);
    const { form, scores } = await scoring;
    recorder.parsed(model, scores.parseSeconds);
    const parts =
      type === 'csv'
        ? writeFileCsv(model, file, answers, form, { probabilities, explained: explained !== undefined })
        : writeFileJson(model, answers, scores, probabilities);
    const headers = {
      // The cells are the client's own: a browser must save them, not show them.
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
    // The length isn't known yet.
    const compression = compressionFor(header(c, 'accept-encoding'), Infinity);
    const spools = [file, answers];
    return compression
      ? new Response(toStream(compress(parts, compression), spools), {
          headers: compressedHeaders(compression, headers),
        })
      : new Response(toStream(parts, spools), { headers });
  };
  return {
    POST: async (c) => {
      const model = modelOf(c);
      const file = openSpool(folder);
      const answers = openSpool(folder);
      try {
        return await answer(c, model, file, answers);
      } catch (error) {
        await Promise.all([file.close(), answers.close()]);
        throw error;
      }
    },
  };
}
