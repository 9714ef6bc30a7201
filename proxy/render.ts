/** The settings in the proxy's configuration. */
export interface ProxySettings {
  readonly host: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  /** The limit of an uploaded file. */
  readonly maxFileBytes: number;
  readonly deadlineMs: number;
  /** `off`, `stdout` or an absolute path. */
  readonly accessLog: string;
  /** Share of the requests that are logged, from 0 to 1; default 1. Failed requests are always logged. */
  readonly accessLogSample?: number | undefined;
  /** Requests a second of one client address, and the size of a burst; undefined for no limit. */
  readonly rateLimit?: number | undefined;
  /** Addresses and networks of proxies in front of this one, whose X-Forwarded-For is trusted. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** One more path of a health check, one of predictions and one of explanations, in Vertex AI's form. */
  readonly healthPath?: string | undefined;
  readonly predictPath?: string | undefined;
  readonly explainPath?: string | undefined;
  /** Origins whose pages may read nginx's own errors; `*` alone for all. Undefined if CORS is off. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** The unix sockets of the server processes, as absolute paths. */
  readonly sockets: readonly string[];
  /** The private folder that nginx may write to, as an absolute path. */
  readonly runtime: string;
  /** Absolute paths of the certificate and key of the public port; without them it uses plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  /** nginx's own worker processes. */
  readonly workers: number;
  /** The user of the workers, with a group of the same name; only if root starts nginx, whose default is `nobody`. */
  readonly user?: string | undefined;
}

/** The proxy waits this much longer than the deadline, so that the app's own 504 comes first. */
const ANSWER_GRACE_MS = 1000;

/** The lowest pace at which a file is processed; a slower process counts as dead. */
const FILE_BYTES_PER_MS = 1024;

/** Concurrent requests for each process, and within which bounds: nginx has connections for the most, files for each. */
const CONCURRENT = { ofProcess: 512, least: 1024, most: 2048 };

/** The part of them that may have large bodies, and, if clients are limited, the part that one client may have. */
const CONCURRENT_SHARE = 1 / 4;

/** The longest path that fits into a Linux socket address, in bytes. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Fills the template `nginx.conf`. A line that holds `${SOCKET}` is repeated for each socket.
 *
 * @throws {Error} for a value that could end its quotes or directive, an unknown `${NAME}`, or one that the template
 *   doesn't use
 */
export function renderProxy(template: string, settings: ProxySettings): string {
  const { sockets } = settings;
  if (sockets.length === 0) throw new Error('sockets: at least one is needed');
  const values = valuesFrom(settings);
  const unused = new Set([...values.keys(), 'SOCKET']);
  const fill = (line: string, socket = ''): string =>
    line.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const value = name === 'SOCKET' ? socketPath(socket) : values.get(name);
      if (value === undefined) throw new Error(`nginx.conf: unknown \${${name}}`);
      unused.delete(name);
      return value;
    });
  const rendered = template
    .split('\n')
    .flatMap((line) =>
      line.includes('${SOCKET}') ? sockets.map((socket) => fill(line, socket)) : fill(line),
    )
    .join('\n');
  if (unused.size > 0)
    throw new Error(`nginx.conf: missing ${[...unused].map((name) => `\${${name}}`).join(', ')}`);
  return rendered;
}

const concurrent = ({ sockets }: ProxySettings): number =>
  Math.min(CONCURRENT.most, Math.max(CONCURRENT.least, CONCURRENT.ofProcess * sockets.length));

function valuesFrom(settings: ProxySettings): ReadonlyMap<string, string> {
  const { deadlineMs, maxBodyBytes, maxFileBytes, workers, runtime, user } = settings;
  const most = concurrent(settings);
  const mostOfPart = most * CONCURRENT_SHARE;
  return new Map([
    ['USER', user === undefined ? '' : `user ${matching(/^[A-Za-z_][\w-]*$/, 'user', user)};`],
    ['RUNTIME', path('runtime', runtime)],
    ['WORKERS', positive('workers', workers)],
    ['ANSWER_TIMEOUT_MS', positive('deadlineMs', deadlineMs + ANSWER_GRACE_MS)],
    [
      'FILE_TIMEOUT_MS',
      positive('maxFileBytes', deadlineMs + ANSWER_GRACE_MS + Math.ceil(maxFileBytes / FILE_BYTES_PER_MS)),
    ],
    ['MAX_FILE_BYTES', positive('maxFileBytes', maxFileBytes)],
    ['MAX_BODY_BYTES', positive('maxBodyBytes', maxBodyBytes)],
    ['ACCESS_LOG', accessLog(settings.accessLog)],
    ['ACCESS_LOG_SAMPLE', sample(settings.accessLogSample ?? 1)],
    ['CORS_ORIGINS', corsOrigins(settings.corsOrigins ?? [])],
    ['RATE_ZONE', rateZone(settings.rateLimit)],
    ['CONCURRENT', String(most)],
    ['CONCURRENT_LARGE', String(mostOfPart)],
    ['RATE_LIMIT', rateLimit(settings.rateLimit, mostOfPart)],
    ['TRUSTED_PROXIES', trustedProxies(settings.trustedProxies ?? [])],
    ['HEALTH_PATH', healthPath(settings.healthPath)],
    ['VERTEX_PATHS', vertexPaths(settings)],
    ['LISTEN', listen(settings)],
    ['CERTIFICATE', certificate(settings.tls)],
  ]);
}

function certificate(tls: ProxySettings['tls']): string {
  if (!tls) return '';
  return `ssl_certificate "${path('tls', tls.certificate)}"; ssl_certificate_key "${path('tls', tls.key)}";`;
}

function listen({ host, port, tls }: ProxySettings): string {
  matching(/^[A-Za-z0-9.:-]+$/, 'host', host);
  const ssl = tls ? ' ssl' : '';
  // As in Node, "::" accepts IPv4 as well.
  return host.includes(':')
    ? `[${host}]:${positive('port', port)}${ssl} ipv6only=off`
    : `${host}:${positive('port', port)}${ssl}`;
}

function accessLog(target: string): string {
  if (target === 'off') return 'off';
  return `"${target === 'stdout' ? '/dev/stdout' : path('accessLog', target)}" json if=$log_wanted`;
}

/** The entries of split_clients, which takes hundredths of a percent, at least one. */
function sample(share: number): string {
  if (!(share >= 0 && share <= 1)) throw new Error(`accessLogSample: nginx.conf can't hold ${share}`);
  if (share === 0 || share === 1) return `* ${share};`;
  const percent = Math.min(99.99, Math.max(0.01, share * 100));
  return `${percent.toFixed(2)}% 1; * 0;`;
}

/**
 * 10 MB hold some 80,000 addresses; then the oldest are dropped. Concurrent requests have 2,048 addresses at most; without
 * room for one the request would be refused.
 */
const rateZone = (limit: number | undefined): string =>
  limit === undefined
    ? ''
    : `limit_req_zone $limited_client zone=clients:10m rate=${positive('rateLimit', limit)}r/s; limit_conn_zone $limited_client zone=concurrent:512k;`;

const rateLimit = (limit: number | undefined, mostOfClient: number): string =>
  limit === undefined
    ? ''
    : `limit_conn concurrent ${mostOfClient}; limit_req zone=clients burst=${positive('rateLimit', limit)} nodelay;`;

/** The client's address is the last one in X-Forwarded-For that isn't one of these. */
function trustedProxies(networks: readonly string[]): string {
  if (networks.length === 0) return '';
  const from = networks.map((network) => {
    const checked = matching(/^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/, 'trustedProxies', network);
    return `set_real_ip_from ${checked};`;
  });
  return `${from.join(' ')} real_ip_header X-Forwarded-For; real_ip_recursive on;`;
}

/** A path in a regular expression. */
const pattern = (name: string, given: string): string =>
  matching(/^\/[A-Za-z0-9._~/:-]+$/, name, given).replaceAll('.', '[.]');

const healthPath = (given: string | undefined): string =>
  given === undefined ? '' : `|${pattern('healthPath', given)}`;

/** The entries of the map of error forms. A path of another protocol has that one's form, by an entry before these. */
const vertexPaths = ({ healthPath, predictPath, explainPath }: ProxySettings): string =>
  Object.entries({ healthPath, predictPath, explainPath })
    .flatMap(([name, given]) =>
      given === undefined ? [] : `"~^${pattern(name, given)}/?(?:\\?|$)" /__problem.v2.json;`,
    )
    .join(' ');

/** The entries of a map from a request's Origin to the allowed origin of its answer. */
function corsOrigins(origins: readonly string[]): string {
  if (origins.includes('*')) return 'default "*";';
  const entries = origins.map((origin) => {
    const checked = matching(/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]+$/, 'corsOrigins', origin);
    return ` "${checked}" "${checked}";`;
  });
  return `default "";${entries.join('')}`;
}

function socketPath(socket: string): string {
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(
      `sockets: longer than the ${MAX_SOCKET_PATH_BYTES} bytes that a socket's path may have: ${socket}`,
    );
  }
  return path('sockets', socket);
}

// The template has every path in double quotes; these characters have a meaning there.
const path = (name: string, value: string): string => matching(/^\/[^"'`;{}$\\\p{Cc}]*$/u, name, value);

const positive = (name: string, value: number): string => matching(/^[1-9]\d*$/, name, String(value));

function matching(accepted: RegExp, name: string, value: string): string {
  if (!accepted.test(value)) throw new Error(`${name}: nginx.conf can't hold ${JSON.stringify(value)}`);
  return value;
}
