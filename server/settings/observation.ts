import { parseLogTarget } from './logTarget.ts';
import type { Setting } from './parsers.ts';
import { integer, integerOrOff, isPlainPath, oneOf, readBy, share, textThat } from './parsers.ts';

/** Logs, drift and the prediction log. */
export const OBSERVATION = {
  LOG_LEVEL: {
    default: 'info' as const,
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    meaning: 'Least severe level that is logged.',
  },
  ACCESS_LOG: {
    default: 'off',
    parse: textThat(
      (text) => text === 'off' || text === 'stdout' || isPlainPath(text),
      'off, stdout or an absolute path without spaces',
    ),
    meaning: 'Access log of the proxy, as JSON lines: `off`, `stdout` or an absolute path.',
  },
  ACCESS_LOG_SAMPLE: {
    default: 1,
    parse: share,
    meaning:
      'Share of the requests in the access log, such as 0.01. Those answered 400 or above are always logged; of the many that nginx refuses under load, one in a hundred.',
  },
  DRIFT_WINDOW_MS: {
    default: 600_000,
    shown: '600000 (10 min)',
    parse: integerOrOff([1000, 604_800_000]),
    meaning:
      'Window over which rows are compared with the training data: `GET /models/{m}/drift`, and gauges. 0 turns it off.',
  },
  PREDICTION_LOG: {
    default: undefined,
    shown: 'off',
    parse: readBy(parseLogTarget, 'redis://host:6379, rediss://host:6379 or file:/path/folder'),
    meaning:
      'Where every answered row is logged: `redis://host:6379/0`, `rediss://…` or `file:/path/folder`. See docs/prediction-log.md.',
  },
  PREDICTION_LOG_INPUT: {
    default: 'full' as const,
    parse: oneOf('full', 'hash', 'none'),
    meaning:
      'What the log has of a row: its cells and their SHA-256 (`full`), the SHA-256 alone, or neither.',
  },
  PREDICTION_LOG_MAX_RECORDS: {
    default: 100_000,
    parse: integer([1, 1_000_000_000]),
    meaning: "Records that a model's stream in Redis keeps; it may have some hundred more.",
  },
  PREDICTION_LOG_FILE_BYTES: {
    default: 64 * 1024 * 1024,
    shown: '67108864 (64 MiB)',
    parse: integer([1024, 1024 ** 4]),
    meaning: 'Size at which a process starts its next file of the log.',
  },
  PREDICTION_LOG_MAX_FILES: {
    default: 32,
    parse: integer([1, 100_000]),
    meaning: 'Files of the log that stay in the folder, beside those that are being written.',
  },
} satisfies Record<string, Setting>;
