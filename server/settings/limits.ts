import { availableCpus } from '../platform/cpus.ts';
import type { Setting } from './parsers.ts';
import { integer, networks, oneOf } from './parsers.ts';

const NO_NETWORKS: readonly string[] = [];

/** Processes, and what they take at most. */
export const LIMITS = {
  WEB_CONCURRENCY: {
    default: () => Math.max(2, availableCpus()),
    shown: 'usable CPUs, at least 2',
    parse: integer([1, 256]),
    meaning:
      'Server processes. With one, a crash or a reload can lose requests: there is no other to replay on.',
  },
  INFERENCE_THREADS: {
    default: 1,
    parse: integer([1, 64]),
    meaning: 'Inference threads of each server process.',
  },
  DEADLINE_MS: {
    default: 5000,
    parse: integer([10, 6000]),
    meaning:
      'Time a request may take before it is answered 504. At most 6000: a shutdown must be able to answer it.',
  },
  MAX_BODY_BYTES: {
    default: 10 * 1024 * 1024,
    shown: '10485760 (10 MiB)',
    parse: integer([1024, 1024 ** 3]),
    meaning: 'Largest request body; a larger one is answered 413.',
  },
  MAX_FILE_BYTES: {
    default: 256 * 1024 * 1024,
    shown: '268435456 (256 MiB)',
    parse: integer([1024, 1024 ** 4]),
    meaning: 'Largest upload to `/predict_file`; it is kept in `TMPDIR` meanwhile.',
  },
  MAX_QUEUED_ROWS: {
    default: 100_000,
    parse: integer([1, 100_000_000]),
    meaning:
      'Rows that may wait in one process; above it requests are answered 503. An empty queue accepts any request.',
  },
  EXPLAIN: {
    default: 'on' as const,
    parse: oneOf('on', 'off'),
    meaning: '`/explain`: what each column contributed to an answer. It takes memory from its first use on.',
  },
  MAX_EXPLAIN_ROWS: {
    default: 1000,
    parse: integer([1, 1_000_000]),
    meaning:
      'Rows that one request to `/explain` may have, or fewer where `DEADLINE_MS` leaves no time for them; four times as many may wait in a process.',
  },
  RATE_LIMIT: {
    default: 0,
    shown: '0 (off)',
    parse: integer([0, 1_000_000]),
    meaning:
      'Requests a second that nginx takes from one client address, and as many more at once; others are answered 429. Never of health.',
  },
  TRUSTED_PROXIES: {
    default: NO_NETWORKS,
    shown: 'none',
    parse: networks,
    meaning:
      'Proxies in front of this server, as addresses or networks separated by commas: their `X-Forwarded-For` names the client.',
  },
} satisfies Record<string, Setting>;
