import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { ProxySettings } from '../../../proxy/render.ts';
import { renderProxy } from '../../../proxy/render.ts';
import type { Config } from '../../settings/settings.ts';
import { availableCpus } from '../../platform/cpus.ts';
import { HOME } from '../../platform/install.ts';
import { socketPath, statusPath } from '../../platform/runtimeFolder.ts';

/** The account of nginx's workers when its master is root; undefined leaves it to nginx. */
function proxyUser(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return /^www-data:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'www-data' : undefined;
}

/** nginx's workers can't reach the sockets of the processes. */
export class RuntimeUnreachable extends Error {
  constructor(folder: string) {
    super(
      `nginx's workers may not enter ${folder}; set TMPDIR to a folder that every user may enter, such as /tmp`,
    );
    this.name = 'RuntimeUnreachable';
  }
}

/** @throws {RuntimeUnreachable} unless every user may enter a folder and those above it */
function requireReachable(folder: string): void {
  if ((statSync(folder).mode & 0o001) === 0) throw new RuntimeUnreachable(folder);
  if (folder !== dirname(folder)) requireReachable(dirname(folder));
}

/** The certificate can't be used. nginx's own message is less clear. */
export class CertificateUnusable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'CertificateUnusable';
  }
}

/** @throws {CertificateUnusable} unless both files can be read and match */
function certificateOf({ TLS_CERT, TLS_KEY }: Config): ProxySettings['tls'] {
  if (TLS_CERT === undefined || TLS_KEY === undefined) return undefined;
  const read = (name: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new CertificateUnusable(
        `${name} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
      );
    }
  };
  const [cert, key] = [read('TLS_CERT', TLS_CERT), read('TLS_KEY', TLS_KEY)];
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new CertificateUnusable(
      `TLS_CERT and TLS_KEY don't make a pair: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
    );
  }
  return { certificate: TLS_CERT, key: TLS_KEY };
}

/**
 * Writes the proxy's configuration into the runtime folder.
 *
 * @throws {RuntimeUnreachable} when nginx is to run under another account
 * @throws {CertificateUnusable}
 */
export function writeProxyFile(config: Config, runtime: string): void {
  const user = proxyUser();
  // nginx's workers have to reach the sockets; others can't list the folder's random name.
  if (process.getuid?.() === 0) {
    chmodSync(runtime, 0o711);
    requireReachable(runtime);
  }
  mkdirSync(dirname(statusPath(runtime)), { mode: 0o700 });
  const text = renderProxy(readFileSync(join(HOME, 'nginx.conf'), 'utf8'), {
    host: config.HOST,
    port: config.PORT,
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxFileBytes: config.MAX_FILE_BYTES,
    deadlineMs: config.DEADLINE_MS,
    accessLog: config.ACCESS_LOG,
    accessLogSample: config.ACCESS_LOG_SAMPLE,
    sockets: Array.from({ length: config.WEB_CONCURRENCY }, (_, slot) => socketPath(runtime, slot)),
    corsOrigins: config.CORS_ORIGINS,
    tls: certificateOf(config),
    ...(config.RATE_LIMIT === 0 ? {} : { rateLimit: config.RATE_LIMIT }),
    trustedProxies: config.TRUSTED_PROXIES,
    healthPath: config.AIP_HEALTH_ROUTE,
    predictPath: config.AIP_PREDICT_ROUTE,
    explainPath: config.AIP_EXPLAIN_ROUTE,
    runtime,
    workers: availableCpus(),
    ...(user === undefined ? {} : { user }),
  });
  writeFileSync(join(runtime, 'nginx.conf'), text);
}
