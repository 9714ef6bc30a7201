import type { Environment, Setting } from './parsers.ts';
import { host, integer, plainPath } from './parsers.ts';

/** Ports and TLS. */
export const LISTENING = {
  PORT: {
    default: (env: Environment) => Number(env['AIP_HTTP_PORT'] || 5000),
    shown: '`5000`',
    parse: integer([1, 65_535]),
    meaning: 'Public port. `servemodel.sh serve` makes the default 8080, as SageMaker expects.',
  },
  HOST: { default: '0.0.0.0', parse: host, meaning: 'Address that the public port listens on.' },
  METRICS_PORT: { default: 9464, parse: integer([1, 65_535]), meaning: 'Port of `GET /metrics`.' },
  METRICS_HOST: {
    default: (env: Environment) => env['HOST'] || '0.0.0.0',
    shown: '`HOST`',
    parse: host,
    meaning: 'Address that the metrics port listens on.',
  },
  ADMIN_PORT: {
    default: 0,
    shown: '0 (off)',
    parse: integer([0, 65_535]),
    meaning: "Port of `POST /reload`, `GET /models` and V2's `load` and `unload`, on 127.0.0.1 only.",
  },
  GRPC_PORT: {
    default: 0,
    shown: '0 (off)',
    parse: integer([0, 65_535]),
    meaning:
      'Port of gRPC, on `HOST`, usually 8001: plain HTTP/2, or TLS with `TLS_CERT`, where it may be that of `PORT`.',
  },
  TLS_CERT: {
    default: undefined,
    shown: 'none: plain HTTP',
    parse: plainPath,
    meaning: 'Certificate chain (PEM) of the public port, with `TLS_KEY`; read again at `SIGHUP`.',
  },
  TLS_KEY: {
    default: undefined,
    shown: 'none',
    parse: plainPath,
    meaning: "The certificate's private key (PEM).",
  },
} satisfies Record<string, Setting>;
