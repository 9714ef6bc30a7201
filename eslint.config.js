import tseslint from 'typescript-eslint';

/**
 * The rooms of server/, floor by floor: a room may import the rooms that stand before it. ARCHITECTURE.md has the same
 * table; server/architecture.test.ts holds both to the folders.
 */
export const FLOORS = {
  ground: ['platform', 'settings', 'errors', 'model', 'metrics'],
  parts: ['encoding', 'compiler', 'repository', 'tracing', 'access'],
  path: ['overload', 'inference', 'dialects', 'prediction'],
  around: ['loading', 'observers', 'rollout', 'verification'],
  edge: ['openapi', 'web', 'http'],
  processes: ['process', 'primary'],
};
const ROOMS = Object.values(FLOORS).flat();

/** Rooms that a room never imports, although they stand before it. */
const APART = {
  compiler: ['repository'],
  dialects: ['inference', 'overload'],
  web: ['openapi'],
  http: ['verification'],
  process: ['verification'],
  primary: ['process', 'http', 'inference', 'loading', 'prediction', 'dialects'],
};

/** The rooms that may import the values of a package; its types may be imported anywhere. */
const PACKAGES = {
  hono: ['http'],
  '@hono/node-server': ['http'],
  piscina: ['inference'],
  'prom-client': ['metrics', 'primary', 'observers'],
  pino: ['platform'],
  '@aws-sdk/client-s3': ['repository'],
  '@redis/client': ['observers'],
  '@opentelemetry/*': ['tracing'],
  '@bufbuild/protobuf': ['dialects'],
};

const ORT = {
  group: ['onnxruntime-node'],
  message: 'Only worker/session.ts loads it: a native crash must stay in a thread.',
};
const WORKER = {
  regex: '^(\\.\\./)+worker/(?!protocol\\.ts|forest/|explanation/|onnx/)',
  message: 'Of worker/ the server knows the protocol and what is pure.',
};
const restrict = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });

/** Rules of one name replace each other in a flat config, so a room's imports are one rule. */
function room(name) {
  const closed = [...ROOMS.slice(ROOMS.indexOf(name) + 1), ...(APART[name] ?? []), 'testing', 'e2e'];
  const packages = Object.entries(PACKAGES).flatMap(([group, rooms]) =>
    rooms.includes(name) ? [] : [{ group: [group, `${group}/*`], allowTypeImports: true }],
  );
  return {
    files: [`server/${name}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: restrict(
      {
        regex: `^(\\.\\./)+(${closed.join('|')})/`,
        message: `${name}/ stands on a lower floor, or apart: see ARCHITECTURE.md, Floors.`,
      },
      ...(name === 'process' || name === 'primary'
        ? []
        : [
            {
              regex: '^(\\.\\./)+messages\\.ts$',
              message: 'A room declares its own messages; only the two ends know all of them.',
            },
          ]),
      // Its process opens graphs itself: it serves nothing.
      ...(name === 'verification' ? [] : [WORKER]),
      ...packages.map((one) => ({ ...one, message: 'This package belongs to another room.' })),
      ORT,
    ),
  };
}

/** A thread computes: it knows nothing of HTTP, logs or metrics. */
const THREAD = [
  { regex: '(^|/)(server|proxy|scripts)/', message: 'A thread knows nothing of the server around it.' },
  {
    group: ['hono', 'hono/*', '@hono/*', 'piscina', 'prom-client', 'pino'],
    message: 'A thread gets matrices only; its timings and faults travel in the reply.',
  },
];

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
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
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
    files: ['**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'max-lines': ['error', { max: 250, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 120, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['server/**/*.ts'],
    ignores: ['server/main.ts', 'server/healthcheck.ts', '**/*.test.ts', 'server/testing/**'],
    rules: {
      // The environment, the exit and the signals belong to the entry, which hands them on.
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'main.ts reads the settings and hands them on.' },
        { object: 'process', property: 'exit', message: 'Only main.ts ends the process.' },
      ],
    },
  },
  ...ROOMS.map(room),
  { files: ['server/*.ts', 'server/testing/**/*.ts', 'server/**/*.test.ts'], rules: restrict(ORT) },
  { files: ['worker/**/*.ts'], ignores: ['**/*.test.ts', '**/testing/**'], rules: restrict(...THREAD, ORT) },
  { files: ['worker/session.ts'], rules: restrict(...THREAD) },
  ...['forest', 'onnx'].map((name) => ({
    files: [`worker/${name}/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: restrict({ regex: '^\\.\\./', message: `${name}/ imports nothing but itself.` }, ...THREAD, ORT),
  })),
  {
    files: ['worker/explanation/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: restrict(
      { regex: '^\\.\\./(?!forest/)', message: 'explanation/ imports nothing but itself and forest/.' },
      ...THREAD,
      ORT,
    ),
  },
  {
    files: ['proxy/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: restrict({ regex: '^\\.', message: 'What is rendered and parsed for nginx imports nothing.' }),
  },
  {
    files: ['scripts/models/**/*.ts', 'scripts/operate/**/*.ts'],
    ignores: ['**/*.test.ts', '**/testing/**'],
    rules: restrict({
      regex: '/(testing|e2e|verify)/',
      message: 'These tools are product: they import no test code.',
    }),
  },
  {
    files: ['scripts/cli/**/*.ts'],
    rules: restrict({
      regex: '^\\.\\./(models|operate|verify|generate|testing)/',
      message: 'cli/ is what tools share: it imports none of them.',
    }),
  },
  { files: ['eslint.config.js'], ...tseslint.configs.disableTypeChecked },
);
