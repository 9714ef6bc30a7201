import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@redis/client';
import { FILE_NAME } from '../../../server/observers/predictionLog/fileSink.ts';
import type { PredictionRecord } from '../../../server/observers/predictionLog/record.ts';
import { RECORD_FIELD, STREAM_PREFIX } from '../../../server/observers/predictionLog/redisSink.ts';
import type { LogTarget } from '../../../server/settings/logTarget.ts';
import { Failure, reasonOf } from '../../cli/faults.ts';

/** Entries that are read from Redis at a time. */
const PAGE = 500;

/** What stands at a place of a log. */
export interface LogEntry {
  /** `file:line`, or `stream entry`. */
  readonly place: string;
  /** Undefined for what is no record. */
  readonly record: PredictionRecord | undefined;
  /** Characters of it. */
  readonly size: number;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isOutput(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { label, probabilities, value: number } = value;
  if (label === undefined) return number === null || typeof number === 'number';
  return ['string', 'number', 'boolean'].includes(typeof label) && isObject(probabilities);
}

function isRecord(value: unknown): value is PredictionRecord {
  if (!isObject(value)) return false;
  const { requestId, row, time, model, sha256, input = {}, inputSha256 = '', output } = value;
  const texts = [requestId, time, model, sha256, inputSha256];
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isInteger(row) &&
    isObject(input) &&
    isOutput(output)
  );
}

function readEntry(place: string, text = ''): LogEntry {
  try {
    const value: unknown = JSON.parse(text);
    return { place, size: text.length, record: isRecord(value) ? value : undefined };
  } catch {
    return { place, size: text.length, record: undefined };
  }
}

async function* readFiles(path: string): AsyncGenerator<LogEntry> {
  const refuse = (error: unknown): never => {
    throw new Failure(`${path} can't be read: ${reasonOf(error)}`);
  };
  const isFolder = (await stat(path).catch(refuse)).isDirectory();
  const names = isFolder
    ? (await readdir(path).catch(refuse)).filter((name) => FILE_NAME.test(name)).sort()
    : [];
  for (const file of isFolder ? names.map((name) => join(path, name)) : [path]) {
    let line = 0;
    const stream = createReadStream(file);
    try {
      for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
        line++;
        if (text !== '') yield readEntry(`${file}:${line}`, text);
      }
    } catch (error) {
      refuse(error);
    }
  }
}

type Entries = readonly (readonly [id: string, fields: readonly string[]])[];

async function* readRedis(url: string, model: string | undefined): AsyncGenerator<LogEntry> {
  const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {});
  try {
    await client.connect();
    const streams: string[] = [];
    for await (const keys of client.scanIterator({ MATCH: `${STREAM_PREFIX}*`, TYPE: 'stream' }))
      streams.push(...keys.filter((key) => model === undefined || key === STREAM_PREFIX + model));
    // A scan may name a key twice.
    for (const stream of [...new Set(streams)].sort()) {
      let from = '-';
      for (;;) {
        const page = await client.sendCommand<Entries>(['XRANGE', stream, from, '+', 'COUNT', `${PAGE}`]);
        for (const [id, fields] of page) {
          yield readEntry(`${stream} ${id}`, fields[fields.indexOf(RECORD_FIELD) + 1]);
        }
        const last = page.at(-1);
        if (!last || page.length < PAGE) break;
        from = `(${last[0]}`;
      }
    }
  } catch (error) {
    // Not the address: it may hold a password.
    throw error instanceof Failure ? error : new Failure(`Redis can't be read: ${reasonOf(error)}`);
  } finally {
    client.destroy();
  }
}

/**
 * The entries of a log, in its order.
 *
 * @param model of this one only
 * @throws {Failure}
 */
export async function* readLog(target: LogTarget, model: string | undefined): AsyncGenerator<LogEntry> {
  if (target.kind === 'redis') yield* readRedis(target.url, model);
  else {
    for await (const entry of readFiles(target.folder)) {
      const name = entry.record?.model.split('/')[0];
      if (model === undefined || name === undefined || name === model) yield entry;
    }
  }
}
