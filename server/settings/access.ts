import type { Parse, Setting } from './parsers.ts';
import { oneOf, origins, textThat } from './parsers.ts';

const NO_ENTRIES: readonly string[] = [];

/** The entries are read with those of the file, by access/keys.ts: an error must never quote a key. */
const entries: Parse<readonly string[]> = (text) => text.split(',');

/** Who may call the server, and from where. */
export const ACCESS = {
  API_KEYS: {
    default: NO_ENTRIES,
    shown: 'none: open',
    parse: entries,
    meaning:
      'Keys of clients: `CLIENT:DIGEST` entries separated by commas; DIGEST is the SHA-256 of the key. See docs/access.md.',
  },
  API_KEYS_FILE: {
    default: undefined,
    shown: 'none',
    parse: textThat((text) => text.startsWith('/'), 'an absolute path'),
    meaning: 'File with more of these entries, one a line; read again at `SIGHUP` and `POST /reload`.',
  },
  METRICS_ACCESS: {
    default: 'open' as const,
    parse: oneOf('open', 'keys'),
    meaning: '`keys`: the metrics port requires one of these keys, too.',
  },
  CORS_ORIGINS: {
    default: undefined,
    shown: 'off',
    parse: origins,
    meaning: 'Origins whose web pages may call this server, separated by commas, or `*`.',
  },
  PLAYGROUND: {
    default: 'on' as const,
    parse: oneOf('on', 'off'),
    meaning: 'The page at `/`, and `GET /stats`, which reports the rate and latency of the server.',
  },
} satisfies Record<string, Setting>;
