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
import { createDecompressor, decompressionProblem } from './decompress.ts';
import type { BodyType, MediaType } from './mediaTypes.ts';
import { isUtf8, parseMediaType, readBodyType } from './mediaTypes.ts';

/** A form may hold one file. The limits are one higher, so that a second part is noticed. */
const FORM_LIMITS = { files: 2, fields: 1, fieldSize: 1024, headerPairs: 32 };

/** After this many turns of the event loop without progress, a form counts as broken. */
const IDLE_TURNS = 20;

const invalidForm = (cause?: unknown): Problem =>
  new Problem('invalid_body', {
    detail: 'A multipart/form-data body must have exactly one part, a file.',
    cause,
  });

/** Writes a decompressed body into the spool. */
interface Sink {
  readonly stream: Writable;
  /** Resolves once the whole file is in the spool. @throws {Problem} invalid_body */
  readonly complete: () => Promise<unknown>;
  /**
   * Called at the end of the body. On some broken forms (unfinished headers, bytes after the end) busboy waits for more:
   * refuses the form once it makes no progress any longer.
   */
  readonly ended: () => void;
  /** Whether the file declares a header: the parameter of its media type. */
  readonly header: () => BodyType['header'];
}

function spoolSink(spool: Spool, declared?: BodyType): Sink {
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => void spool.append(chunk).then(() => done(), done),
  });
  return {
    stream,
    complete: () => Promise.resolve(),
    ended: () => undefined,
    header: () => declared?.header,
  };
}

/** The headers of a part, by lower-case name. */
type PartHeaders = Readonly<Record<string, readonly string[]>>;

/**
 * The media type of a part: browsers and clients name many for a CSV.
 *
 * @throws {Problem} unsupported_media_type for a part whose headers declare anything but text in UTF-8
 */
function plainPartType(headers: PartHeaders): MediaType {
  const [text = ''] = headers['content-type'] ?? [];
  const [encoding = 'binary'] = headers['content-transfer-encoding'] ?? [];
  const type = parseMediaType(text);
  const charset = type.parameters.get('charset') ?? 'utf-8';
  if ((isUtf8(charset) || charset === 'us-ascii') && /^(?:7bit|8bit|binary)$/i.test(encoding.trim()))
    return type;
  throw new Problem('unsupported_media_type', {
    detail: 'Send the file of a multipart/form-data body in UTF-8, without a content-transfer-encoding.',
  });
}

/** Busboy's parser: it alone has the raw headers of a part. Busboy is pinned, and a test covers this access. */
interface Internals {
  readonly _parser: { readonly parser: EventEmitter };
}

/** @throws {Problem} invalid_body, now or as the stream's error */
function formSink(contentType: string, spool: Spool): Sink {
  const files: Promise<void>[] = [];
  let partType: MediaType | undefined;
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
        partType = plainPartType(headers);
      } catch (error) {
        form.destroy(error as Error);
      }
    });
  });
  const spools: Writable[] = [];
  let isDone = false;
  let rejectStuck: (problem: Problem) => void = () => undefined;
  const stuck = new Promise<never>((_, reject) => (rejectStuck = reject));
  // It may be rejected before `complete` awaits it.
  stuck.catch(() => undefined);
  const refuseStuck = (before: number, idleTurns: number): void => {
    if (isDone || form.destroyed) return;
    const state = form.writableLength + spool.bytes;
    const moves = state !== before || spools.some(({ writableLength }) => writableLength > 0);
    if (!moves && idleTurns === IDLE_TURNS) {
      refuse();
      rejectStuck(invalidForm());
    } else setImmediate(refuseStuck, state, moves ? 0 : idleTurns + 1);
  };
  form.on('field', refuse);
  form.on('file', (_, part) => {
    // An error of the form is also emitted by its parts.
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
    header: () => (partType?.type === 'text/csv' ? readBodyType(partType)?.header : undefined),
  };
}

/** Passes bytes on. @throws {Problem} body_too_large beyond the limit */
const limit = (maxBytes: number) =>
  async function* limit(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      yield chunk;
    }
  };

/** An error of the streams between the body and the spool as the client's; an error of the disk as it is. */
function toClientError(error: unknown, compressed: boolean): unknown {
  if (error instanceof Problem || (error as NodeJS.ErrnoException).syscall !== undefined) return error;
  return compressed && (error as NodeJS.ErrnoException).code !== undefined
    ? decompressionProblem(error)
    : invalidForm(error);
}

function sinkFor(c: AppContext, spool: Spool): Sink {
  const type = header(c, 'content-type') ?? '';
  const declared = readBodyType(parseMediaType(type));
  if (declared?.kind === 'csv') return spoolSink(spool, declared);
  if (/^\s*multipart\/form-data\s*;/i.test(type)) return formSink(type, spool);
  throw new Problem('unsupported_media_type', {
    detail: 'Send the file as "content-type: multipart/form-data", or as "content-type: text/csv" in UTF-8.',
  });
}

async function receiveInto(sink: Sink, c: AppContext, maxBytes: number): Promise<void> {
  const decompressor = createDecompressor(header(c, 'content-encoding') ?? '');
  if (Number(header(c, 'content-length') ?? 0) > maxBytes) throw tooLarge();
  const head = new PassThrough();
  const within = limit(maxBytes);
  const through = decompressor
    ? pipeline(head, decompressor, within, sink.stream)
    : pipeline(head, within, sink.stream);
  let failed: unknown;
  through.catch((error: unknown) => (failed = error));

  const source =
    c.env.incoming ?? (c.req.raw.body ? Readable.fromWeb(c.req.raw.body as never) : Readable.from([]));
  let bytes = 0;
  try {
    // Leaving the loop must not destroy the stream: that would close the connection before the answer.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) throw tooLarge();
      // A refused body is read to its end: a proxy that can't send the rest wouldn't read the answer.
      if (failed === undefined && !head.write(chunk))
        await Promise.race([once(head, 'drain'), through]).catch(() => undefined);
    }
    head.end();
    if (!decompressor) sink.ended();
    else decompressor.once('end', sink.ended);
  } catch (error) {
    head.destroy();
    throw error instanceof Problem ? error : new Problem('bad_request', { cause: error });
  }
  try {
    await through;
    if (decompressor && decompressor.bytesWritten < bytes) throw new Problem('invalid_compression');
    await sink.complete();
  } catch (error) {
    throw toClientError(error, decompressor !== undefined);
  }
}

/** A file that arrives. */
export interface Upload {
  /** What its media type says of the file, once its first bytes are there. */
  readonly declared: Promise<Pick<BodyType, 'header'>>;
  /** Resolves once all of it is in the spool. */
  readonly complete: Promise<void>;
}

/**
 * Receives the file of a request into a spool, decompressed. The spool ends with it, or with the error that both promises
 * reject with.
 *
 * @param maxBytes limit of the body as it arrives and of the decompressed one
 * @throws {Problem} unsupported_media_type; then body_too_large, invalid_compression, invalid_body
 */
export function receiveFile(c: AppContext, spool: Spool, maxBytes: number): Upload {
  const sink = sinkFor(c, spool);
  const complete = receiveInto(sink, c, maxBytes);
  complete.then(
    () => spool.end(),
    (error: Error) => spool.end(error),
  );
  const declared = spool.written(1).then(() => {
    const header = sink.header();
    return header === undefined ? {} : { header };
  });
  // Its error is that of `complete`.
  declared.catch(() => undefined);
  return { declared, complete };
}
