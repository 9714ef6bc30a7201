import { ErrorReply, MultiErrorReply, createClient } from '@redis/client';
import { deadline } from '../../platform/deadline.ts';
import type { Line, Sink } from './sink.ts';
import { SinkFailure } from './sink.ts';

/** The stream of a model's predictions. */
export const STREAM_PREFIX = 'servemodel:predictions:';
/** The one field of an entry. */
export const RECORD_FIELD = 'record';

const CONNECT_MS = 3000;
/** Time for an answer, after which the batch is sent again on another connection. */
const ANSWER_MS = 5000;

export interface RedisSinkOptions {
  readonly url: string;
  /** Records that a model's stream keeps at least: Redis drops whole nodes. */
  readonly maxRecords: number;
  /** The connection was lost. */
  readonly onLost: () => void;
}

/** A client that lost its connection is dropped: the log itself connects again. */
const makeClient = (url: string) =>
  createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  });
type Client = ReturnType<typeof makeClient>;

/** Streams in Redis, one for each model. A batch is a transaction: stored or refused as a whole. */
export function createRedisSink({ url, maxRecords, onLost }: RedisSinkOptions): Sink {
  let client: Client | undefined;

  const drop = (): void => {
    client?.destroy();
    client = undefined;
  };
  const connect = async (): Promise<Client> => {
    const fresh = makeClient(url);
    fresh.on('error', () => {
      if (fresh !== client) return;
      client = undefined;
      onLost();
    });
    try {
      await deadline(fresh.connect(), CONNECT_MS, 'connecting');
      // A Redis that still loads its data accepts connections, but no commands.
      await deadline(fresh.ping(), CONNECT_MS, 'the answer to PING');
    } catch (error) {
      fresh.destroy();
      throw new SinkFailure('unreachable', error);
    }
    return fresh;
  };
  const send = async (to: Client, lines: readonly Line[]): Promise<void> => {
    const multi = to.multi();
    for (const { model, text } of lines)
      multi.addCommand([
        'XADD',
        STREAM_PREFIX + model,
        'MAXLEN',
        '~',
        `${maxRecords}`,
        '*',
        RECORD_FIELD,
        text,
      ]);
    await deadline(multi.exec(), ANSWER_MS, 'the answer of Redis');
  };
  return {
    open: async () => {
      client ??= await connect();
    },
    write: async (lines) => {
      try {
        if (!client) throw new Error('not connected');
        await send(client, lines);
        return 0;
      } catch (error) {
        if (error instanceof MultiErrorReply) return error.errorIndexes.length;
        // Full, read-only or not permitted: neither this batch nor the connection is at fault.
        if (error instanceof ErrorReply) throw new SinkFailure('refused', error);
        drop();
        throw new SinkFailure('unreachable', error);
      }
    },
    close: () => Promise.resolve(drop()),
  };
}
