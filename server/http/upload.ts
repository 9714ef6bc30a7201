import type { EventEmitter } from 'node:events';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import type { Spool } from '../platform/spool.ts';
import { tooLarge } from './body.ts';
import { createUnpacker, unpackProblem } from './decompress.ts';
import { isCsvType } from './mediaTypes.ts';

/** What a form may hold: the file. The counts are one more, so that another part is seen. */
const FORM_LIMITS = { files: 2, fields: 1, fieldSize: 1024, headerPairs: 32 };

/** Turns of the event loop in which nothing of a form moves, after which it is taken for broken. */
const IDLE_TURNS = 20;

const invalidForm = (cause?: unknown): Problem =>
  new Problem('invalid_body', {
    detail: 'A multipart/form-data body must have exactly one part, a file.',
    cause,
  });

/** Where an unpacked body goes. */
interface Sink {
  readonly stream: Writable;
  /** Resolves once all of it is in the spool. @throws {Problem} invalid_body */
  readonly complete: () => Promise<unknown>;
  /**
   * Nothing more will come. On some broken forms (headers without an end, an end that goes on) busboy waits for more
   * all the same: once nothing moves any longer, it is such a one.
   */
  readonly ended: () => void;
}

function spoolSink(spool: Spool): Sink {
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => void spool.append(chunk).then(() => done(), done),
  });
  return { stream, complete: () => Promise.resolve(), ended: () => undefined };
}

/** The headers of a part, by lower-case name. */
type PartHeaders = Readonly<Record<string, readonly string[]>>;

/** @throws {Problem} unsupported_media_type for a part that says that its bytes are no text in UTF-8 */
function requirePlainPart(headers: PartHeaders): void {
  const [type = ''] = headers['content-type'] ?? [];
  const [encoding = 'binary'] = headers['content-transfer-encoding'] ?? [];
  const charset = /;[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
  if (/^(?:utf-8|us-ascii)$/i.test(charset) && /^(?:7bit|8bit|binary)$/i.test(encoding.trim())) return;
  throw new Problem('unsupported_media_type', {
    detail: 'Send the file of a multipart/form-data body in UTF-8, without a content-transfer-encoding.',
  });
}

/** The form's parser of parts, which alone sees the headers of one as they stand: busboy is pinned, and a test watches. */
interface Internals {
  readonly _parser: { readonly parser: EventEmitter };
}

/** @throws {Problem} invalid_body, now or as the stream's error */
function formSink(contentType: string, spool: Spool): Sink {
  const files: Promise<void>[] = [];
  let form: Busboy;
  try {
    form = new Busboy({ headers: { 'content-type': contentType }, limits: FORM_LIMITS });
  } catch (error) {
    throw invalidForm(error);
  }
  const refuse = (): void => void form.destroy(invalidForm());
  (form as unknown as Internals)._parser.parser.prependListener('part', (part: EventEmitter) => {
    part.on('header', (headers: PartHeaders) => {
      try {
        requirePlainPart(headers);
      } catch (error) {
        form.destroy(error as Error);
      }
    });
  });
  const spools: Writable[] = [];
  let isDone = false;
  let giveUp: (problem: Problem) => void = () => undefined;
  const stuck = new Promise<never>((_, reject) => (giveUp = reject));
  // Nobody may listen yet.
  stuck.catch(() => undefined);
  const refuseStuck = (before: number, idleTurns: number): void => {
    if (isDone || form.destroyed) return;
    const state = form.writableLength + spool.bytes;
    const moves = state !== before || spools.some(({ writableLength }) => writableLength > 0);
    if (!moves && idleTurns === IDLE_TURNS) {
      refuse();
      giveUp(invalidForm());
    } else setImmediate(refuseStuck, state, moves ? 0 : idleTurns + 1);
  };
  form.on('field', refuse);
  form.on('file', (_, part) => {
    // The form's errors are its parts' too.
    part.on('error', () => undefined);
    const { stream } = spoolSink(spool);
    spools.push(stream);
    files.push(finished(stream));
    files.at(-1)?.catch((error: Error) => form.destroy(error));
    if (files.length > 1) refuse();
    else part.pipe(stream);
  });
  return {
    stream: form,
    complete: async () => {
      if (files.length !== 1) throw invalidForm();
      await Promise.race([files[0], stuck]);
      isDone = true;
    },
    ended: () => refuseStuck(NaN, 0),
  };
}

/** Counts what passes, and ends it when it's too much. */
const limit = (maxBytes: number) =>
  async function* limit(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      yield chunk;
    }
  };

/** An error of the streams between the body and the spool, as the client's; one of the disk stays what it is. */
function explain(error: unknown, unpacking: boolean): unknown {
  if (error instanceof Problem || (error as NodeJS.ErrnoException).syscall !== undefined) return error;
  return unpacking && (error as NodeJS.ErrnoException).code !== undefined
    ? unpackProblem(error)
    : invalidForm(error);
}

function sinkFor(c: AppContext, spool: Spool): Sink {
  const type = header(c, 'content-type') ?? '';
  if (isCsvType(type)) return spoolSink(spool);
  if (/^\s*multipart\/form-data\s*;/i.test(type)) return formSink(type, spool);
  throw new Problem('unsupported_media_type', {
    detail: 'Send the file as "content-type: multipart/form-data", or as "content-type: text/csv" in UTF-8.',
  });
}

/**
 * Writes the file that a request uploads into a spool, unpacked.
 *
 * @param maxBytes limit of what arrives and of what it unpacks to
 * @throws {Problem} unsupported_media_type, body_too_large, invalid_compression, invalid_body
 */
export async function receiveFile(c: AppContext, spool: Spool, maxBytes: number): Promise<void> {
  const sink = sinkFor(c, spool);
  const unpacker = createUnpacker(header(c, 'content-encoding') ?? '');
  if (Number(header(c, 'content-length') ?? 0) > maxBytes) throw tooLarge();
  const head = new PassThrough();
  const within = limit(maxBytes);
  const through = unpacker
    ? pipeline(head, unpacker, within, sink.stream)
    : pipeline(head, within, sink.stream);
  let failed: unknown;
  through.catch((error: unknown) => (failed = error));

  const source =
    c.env.incoming ?? (c.req.raw.body ? Readable.fromWeb(c.req.raw.body as never) : Readable.from([]));
  let bytes = 0;
  try {
    // Not destroyed when the loop is left: that would close the connection before the answer.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) throw tooLarge();
      // A refused body is read to its end: a proxy that can't send the rest would miss the answer.
      if (failed === undefined && !head.write(chunk))
        await Promise.race([once(head, 'drain'), through]).catch(() => undefined);
    }
    head.end();
    if (!unpacker) sink.ended();
    else unpacker.once('end', sink.ended);
  } catch (error) {
    head.destroy();
    throw error instanceof Problem ? error : new Problem('bad_request', { cause: error });
  }
  try {
    await through;
    if (unpacker && unpacker.bytesWritten < bytes) throw new Problem('invalid_compression');
    await sink.complete();
  } catch (error) {
    throw explain(error, unpacker !== undefined);
  }
}
