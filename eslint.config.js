import tseslint from 'typescript-eslint';

/** One wall of the architecture: who may import a package, and why nobody else does. */
const wall = (name, message) => ({ name, message, allowTypeImports: true });
const HONO = wall('hono', 'HTTP belongs to server/: a thread gets matrices only.');
const NODE_SERVER = wall(
  '@hono/node-server',
  'Only server/http/listen.ts turns the app into a listening server.',
);
const PISCINA = wall('piscina', 'Only server/inference/lane.ts knows how threads are run.');
const ORT = wall(
  'onnxruntime-node',
  'Only worker/session.ts loads it: a native crash must stay in a thread.',
);
const PROM = wall('prom-client', 'Threads keep no registry: their timings travel in the reply.');
const PINO = wall('pino', 'Threads do not log: a fault is a tagged reply.');

const OTEL = ['api', 'exporter-trace-otlp-http', 'resources', 'sdk-trace-base'].map((name) =>
  wall(`@opentelemetry/${name}`, 'Only server/tracing/start.ts loads it, and only where tracing is on.'),
);

const walls = (...paths) => ({ '@typescript-eslint/no-restricted-imports': ['error', { paths }] });

export default tseslint.config(
  {
    ignores: [
      'server/loading/modelJson.generated.ts',
      'dist/',
      'dist-scripts/',
      'dist-scripts.*/',
      '.dist-*/',
      'node_modules/',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // Our interfaces are closures: none of their methods has a `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['server/**/*.ts'],
    rules: {
      ...walls(PISCINA, ORT, NODE_SERVER, ...OTEL),
      // The environment, the exit and the signals belong to the entry: everything else is told.
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings come from config.ts, given by main.ts.' },
        { object: 'process', property: 'exit', message: 'Only main.ts ends the process.' },
      ],
    },
  },
  {
    files: ['server/main.ts', 'server/healthcheck.ts', '**/*.test.ts', 'server/testing/**'],
    rules: { 'no-restricted-properties': 'off' },
  },
  { files: ['server/inference/lane.ts'], rules: walls(ORT, NODE_SERVER, ...OTEL) },
  { files: ['server/tracing/start.ts'], rules: walls(PISCINA, ORT, NODE_SERVER) },
  { files: ['server/http/listen.ts', 'server/testing/**', 'server/**/*.test.ts'], rules: walls(ORT) },
  { files: ['worker/**/*.ts'], rules: walls(HONO, NODE_SERVER, PISCINA, PROM, PINO, ORT) },
  { files: ['worker/session.ts'], rules: walls(HONO, NODE_SERVER, PISCINA, PROM, PINO) },
  { files: ['eslint.config.js'], ...tseslint.configs.disableTypeChecked },
);
