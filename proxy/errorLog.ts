/** A line of nginx's error log, without what a client may have sent. */
export interface ProxyError {
  readonly level: 'info' | 'warn' | 'error' | 'fatal';
  readonly message: string;
  /** nginx's process. */
  readonly worker?: number;
  /** The connection's number, which the access log has too: an error log knows no request id. */
  readonly connection?: number;
  readonly client?: string;
  /** The server process that it asked. */
  readonly upstream?: string;
}

const LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] (\d+)#\d+: (?:\*(\d+) )?(.*)$/s;
/** Of a start that failed. */
const SHORT_LINE = /^nginx: \[(\w+)\] ()()(.*)$/s;
/** From here on a line tells of the request: its target with the query, headers. */
const CONTEXT = /, (?:client|server|request|subrequest|upstream|host|referrer): /;
const MAX_MESSAGE_CHARACTERS = 500;

const LEVELS: Readonly<Record<string, ProxyError['level']>> = {
  debug: 'info',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  emerg: 'fatal',
};

/** Reads a line. Whatever isn't one of nginx's becomes a message as it stands, shortened. */
export function readProxyError(line: string): ProxyError {
  const found = LINE.exec(line) ?? SHORT_LINE.exec(line);
  if (!found) return { level: 'error', message: toMessage(line) };
  const [, word = '', worker = '', connection = '', text = ''] = found;
  const end = CONTEXT.exec(text)?.index ?? text.length;
  const message = toMessage(text.slice(0, end));
  const context = text.slice(end);
  const client = /^, client: ([0-9A-Fa-f.:]+),/.exec(context)?.[1];
  const upstream = /, upstream: "http:\/\/(unix:\/[^:"]+):/.exec(context)?.[1];
  return {
    // What a client did wrong is no error of the server.
    level: message.startsWith('client ') ? 'info' : (LEVELS[word] ?? 'error'),
    message,
    ...(worker === '' ? {} : { worker: Number(worker) }),
    ...(connection === '' ? {} : { connection: Number(connection) }),
    ...(client === undefined ? {} : { client }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

/** Some messages quote a path: nothing that may be a query stays. */
const toMessage = (text: string): string =>
  text
    .slice(0, MAX_MESSAGE_CHARACTERS)
    .replace(/\?\S*/g, '')
    .replace(/\p{Cc}/gu, ' ');
