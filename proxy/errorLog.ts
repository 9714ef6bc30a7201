/** A line of nginx's error log, without any text of a client. */
export interface ProxyError {
  readonly level: 'info' | 'warn' | 'error' | 'fatal';
  readonly message: string;
  /** The pid of nginx's worker. */
  readonly worker?: number;
  /** The connection's number, which the access log has too: the error log has no request id. */
  readonly connection?: number;
  readonly client?: string;
  /** The socket of the server process. */
  readonly upstream?: string;
}

const LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] (\d+)#\d+: (?:\*(\d+) )?(.*)$/s;
/** A line of a failed start. */
const SHORT_LINE = /^nginx: \[(\w+)\] ()()(.*)$/s;
/** The start of what a line has of the request: its target with the query, its headers. */
const CONTEXT = /, (?:client|server|request|subrequest|upstream|host|referrer): /;
const MAX_MESSAGE_CHARACTERS = 500;

const LEVELS: Readonly<Record<string, ProxyError['level']>> = {
  debug: 'info',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  emerg: 'fatal',
};

/** Parses a line. A line that isn't nginx's becomes the message, shortened. */
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
    // An error of a client is no error of the server.
    level: message.startsWith('client ') ? 'info' : (LEVELS[word] ?? 'error'),
    message,
    ...(worker === '' ? {} : { worker: Number(worker) }),
    ...(connection === '' ? {} : { connection: Number(connection) }),
    ...(client === undefined ? {} : { client }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

/** Some messages quote a path: removes whatever may be a query. */
const toMessage = (text: string): string =>
  text
    .slice(0, MAX_MESSAGE_CHARACTERS)
    .replace(/\?\S*/g, '')
    .replace(/\p{Cc}/gu, ' ');
