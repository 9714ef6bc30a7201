import { tmpdir } from 'node:os';
import { availableMemory } from '../platform/memory.ts';
import type { Environment, Setting } from './parsers.ts';
import { anyText, integer, listOf, oneOf, readBy, textThat } from './parsers.ts';
import type { Pin } from './pins.ts';
import { parsePins } from './pins.ts';
import type { BucketPlace } from './s3Url.ts';
import { parseS3Url } from './s3Url.ts';

/** Where models lie; a relative folder starts at the project folder. */
export type RepositoryPlace = { readonly folder: string } | BucketPlace;

const DEFAULT_PLACE: RepositoryPlace = { folder: './models' };
/** Memory for each byte of a model's file: while a forest is verified, ONNX Runtime takes 12 bytes for each, and its parts more. */
export const BYTES_PER_MODEL_BYTE = 16;

const NO_PINS: ReadonlyMap<string, Pin> = new Map();
const NO_VERSIONS: readonly string[] = [];

/** The repository, and what is served of it. */
export const MODELS = {
  MODEL_REPOSITORY: {
    default: DEFAULT_PLACE,
    shown: '`./models`',
    parse: readBy(
      (text): RepositoryPlace | undefined => (text.startsWith('s3://') ? parseS3Url(text) : { folder: text }),
      'a folder or s3://bucket/prefix',
    ),
    meaning:
      'Folder that holds `<name>/<version>/model.onnx`, or one model alone, or `s3://bucket/prefix`; a relative path starts at the project folder.',
  },
  MODEL_CACHE: {
    default: (env: Environment) =>
      `${env['XDG_CACHE_HOME'] || (env['HOME'] ? `${env['HOME']}/.cache` : tmpdir())}/servemodel/models`,
    shown: '`~/.cache/servemodel/models`',
    parse: anyText,
    meaning: 'Folder that caches models from S3; each running server needs its own.',
  },
  AWS_BUCKET_NAME: {
    default: undefined,
    shown: 'none',
    parse: textThat((text) => parseS3Url(`s3://${text}`)?.prefix === '', 'the name of a bucket'),
    meaning: 'Bucket of MLflow runs to serve, with `EXPERIMENT_ID`, instead of `MODEL_REPOSITORY`.',
  },
  EXPERIMENT_ID: {
    default: undefined,
    shown: 'none',
    parse: textThat((text) => /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(text), 'a path within the bucket'),
    meaning:
      'Experiment whose newest run with a `model.onnx` is served; its model is called `DEFAULT_MODEL`, or `model`.',
  },
  DEFAULT_MODEL: {
    default: undefined,
    shown: 'first by name',
    parse: anyText,
    meaning: 'Model that answers `/predict`.',
  },
  MODEL_VERSIONS: {
    default: NO_PINS,
    shown: '`repository.json`, else the latest',
    parse: readBy(parsePins, 'a list such as adult=1,*=latest'),
    meaning: 'Version of each model that is served where none is named: `adult=1,*=latest`.',
  },
  OPEN_VERSIONS: {
    default: 2,
    parse: integer([1, 100]),
    meaning:
      'Newest versions of each model that answer `/models/{m}/versions/{v}/predict`, beside those served or shadowing. Each takes memory.',
  },
  MAX_MODEL_BYTES: {
    default: () => Math.floor(availableMemory() / BYTES_PER_MODEL_BYTE),
    shown: 'memory ÷ 16',
    parse: integer([1024, 2 ** 31 - 1]),
    meaning:
      "Largest `model.onnx`; a version with a larger one is refused unread. Memory: the container's limit, else the machine's.",
  },
  MODEL_POLL_MS: {
    default: 2000,
    parse: integer([0, 86_400_000]),
    meaning:
      'How often the repository is checked for new versions; with hundreds of them less often, since that takes at most 0.5 % of a CPU; 0: only on `SIGHUP` and `POST /reload`.',
  },
  MODEL_CONTROL: {
    default: 'repository' as const,
    parse: oneOf('repository', 'explicit'),
    meaning:
      '`explicit`: clients of the public port may load and unload models, and the server may start without one. Else only `ADMIN_PORT` takes such requests.',
  },
  SHADOW: {
    default: NO_VERSIONS,
    shown: 'none',
    parse: listOf(
      (id) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[1-9]\d{0,8}$/.test(id),
      'a list of versions such as adult/2',
    ),
    meaning:
      'Candidate versions that also score the rows of the served version, outside of the request: `adult/2`. See docs/shadow.md.',
  },
  ENGINE: {
    default: 'auto' as const,
    parse: oneOf('auto', 'onnxruntime'),
    meaning:
      '`auto` compiles what it can and verifies it against ONNX Runtime; `onnxruntime` serves the whole graph.',
  },
} satisfies Record<string, Setting>;
