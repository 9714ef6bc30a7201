import { existsSync, readdirSync } from 'node:fs';
import type { Plugin } from 'rolldown';
import { defineConfig } from 'rolldown';

/** What a process, a thread or a shell starts, by its path without the extension. */
const ENTRIES = [
  'server/main',
  'server/healthcheck',
  'server/loading/thread',
  'server/verification/process',
  'worker/main',
  'scripts/models/compare/main',
  'scripts/models/import/main',
  'scripts/operate/api-key/main',
  'scripts/operate/audit/main',
];

/** Threads that fail, for tests: these can't run TypeScript. An image doesn't have them. */
const FIXTURES = 'worker/fixtures';
const fixtures = existsSync(FIXTURES)
  ? readdirSync(FIXTURES).map((name) => `${FIXTURES}/${name.replace('.ts', '')}`)
  : [];

/** Packages that look for files of their own, that are native, or that most servers never load. */
const EXTERNAL = [
  /^node:/,
  /^onnxruntime-node$/,
  /^piscina$/,
  /^pino-pretty$/,
  /^@aws-sdk\//,
  /^@opentelemetry\//,
  /^@redis\//,
];

/**
 * prom-client loads the tracing API, of 60 files, for exemplars, which it isn't asked for. Where requests are traced,
 * `tracing/` loads the API.
 */
const isForExemplars = (id: string, importer = ''): boolean =>
  id === '@opentelemetry/api' && importer.includes('/prom-client/');
const NOTHING = '\0nothing';
const withoutExemplars: Plugin = {
  name: 'without-exemplars',
  resolveId: (id, importer) => (isForExemplars(id, importer) ? NOTHING : undefined),
  load: (id) => (id === NOTHING ? 'export {};' : undefined),
};

/** One file for each set of entries instead of hundreds of modules, since loading those was a third of a start. */
export default defineConfig({
  input: Object.fromEntries([...ENTRIES, ...fixtures].map((entry) => [entry, `${entry}.ts`])),
  platform: 'node',
  external: (id, importer) => EXTERNAL.some((one) => one.test(id)) && !isForExemplars(id, importer),
  plugins: [withoutExemplars],
  output: {
    format: 'esm',
    sourcemap: true,
    // Below server/, where modules expect web/ beside their folder; without hashes, so that no build leaves files behind.
    chunkFileNames: 'server/chunks/[name].js',
  },
});
