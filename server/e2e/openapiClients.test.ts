import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { HOME } from '../platform/install.ts';
import { ADULT_LABEL, adultBody, adultRow } from '../testing/adult.ts';
import { clientProgram, clientsMissing, needsClients } from '../testing/protocolClients.ts';
import { runProgram } from '../testing/runProgram.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

// The programs do a fixed amount of work, on a machine that may be busy.
const PROGRAM_MS = 150_000;
vi.setConfig({ testTimeout: 3 * PROGRAM_MS, hookTimeout: 120_000 });
const run = (
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> => runProgram(program, args, { cwd, env, ms: PROGRAM_MS });

/** Requests that schemathesis generates for an operation. Not a time, in which a busy machine would send fewer. */
const EXAMPLES = 10;

const GOOD = adultBody(adultRow());
const BAD = adultBody(adultRow({ age: 1.5 }));

/** The expected output of a generated client: an answer, and the place of the bad cell. */
const EXPECTED = {
  label: ADULT_LABEL,
  classes: [' <=50K', ' >50K'],
  model: 'adult/1',
  code: 'invalid_rows',
  column: 'age',
};

const TYPESCRIPT_CLIENT = `
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type Split = components['schemas']['AdultSplit'];
const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' });
const query = { probabilities: true };
const good = ${JSON.stringify(GOOD)} satisfies Split;
const bad: Split = ${JSON.stringify(BAD)};
// @ts-expect-error a column that the signature does not have
const unknown: Split = { columns: ['height'], data: [] };
const row: Pick<components['schemas']['AdultRow'], 'age' | 'workclass'> = { age: null, workclass: 'any text' };
// @ts-expect-error text in an integer column
row.age = '39';

const { data, response } = await client.POST('/predict', { params: { query }, body: good });
const { error } = await client.POST('/predict', { body: bad });
const label: ' <=50K' | ' >50K' | null | undefined = data?.predictions[0];
const code: components['schemas']['ErrorCode'] | undefined = error?.code;
console.log(JSON.stringify({
  label, classes: data?.classes, model: response.headers.get('x-model'), code, column: error?.errors?.[0]?.column,
}));
`;

const PYTHON_CLIENT = `
import json, sys
from adult_client import Client
from adult_client.api.predict import predict
from adult_client.models import AdultPredictions, AdultSplit, Problem

client = Client(base_url=sys.argv[1])
good, bad = (AdultSplit.from_dict(json.loads(text)) for text in sys.argv[2:])
answer = predict.sync_detailed(client=client, body=good, probabilities=True)
assert isinstance(answer.parsed, AdultPredictions)
problem = predict.sync(client=client, body=bad)
assert isinstance(problem, Problem)
print(json.dumps({
    "label": answer.parsed.predictions[0], "classes": answer.parsed.classes, "model": answer.headers["x-model"],
    "code": problem.code, "column": problem.errors[0].column,
}))
`;

describe.skipIf(clientsMissing ?? nginxMissing)(needsClients('the document of a running server'), () => {
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = await startServer();
    origin = `http://127.0.0.1:${server.port}`;
  });
  afterAll(() => server.clean());

  /** Runs with a folder that has the document. */
  const withDocument = (run: (cwd: string) => Promise<void>): Promise<void> =>
    withTemporaryFolder(async (cwd) => {
      const answer = await fetch(`${origin}/openapi.json`);
      await writeFile(join(cwd, 'openapi.json'), await answer.text());
      await run(cwd);
    });

  it('is valid OpenAPI 3.1', () =>
    withDocument(async (cwd) => {
      const said = await run(
        clientProgram('openapi-spec-validator'),
        ['--schema', '3.1', 'openapi.json'],
        cwd,
      );
      expect(said).toContain('OK');
    }));

  it('has examples of every body that the server answers', async () => {
    interface Media {
      readonly example?: unknown;
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    }
    type Operation = { readonly requestBody?: { readonly content: Readonly<Record<string, Media>> } };
    const document = (await (await fetch(`${origin}/openapi.json`)).json()) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    const bodies = Object.entries(document.paths).flatMap(([path, { post }]) =>
      Object.entries(post?.requestBody?.content ?? {}).flatMap(([type, { example, examples = {} }]) =>
        [example, ...Object.values(examples).map(({ value }) => value)]
          .filter((value) => value !== undefined)
          .map((value) => ({
            path,
            type,
            body: typeof value === 'string' ? value : JSON.stringify(value),
          })),
      ),
    );
    expect(bodies.length).toBeGreaterThan(15);
    for (const { path, type, body } of bodies) {
      const answer = await fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      // Under "predictions", or the key of a model's custom form.
      expect([path, type, answer.status, await answer.text()]).toEqual([
        path,
        type,
        200,
        expect.stringMatching(/^\{"\w+":/),
      ]);
    }
  });

  it('generates a TypeScript client that type-checks and works', () =>
    withDocument(async (cwd) => {
      const bin = join(HOME, 'node_modules/.bin');
      await symlink(join(HOME, 'node_modules'), join(cwd, 'node_modules'));
      await writeFile(join(cwd, 'package.json'), '{"type":"module"}');
      await writeFile(join(cwd, 'client.ts'), TYPESCRIPT_CLIENT);
      await run(join(bin, 'openapi-typescript'), ['openapi.json', '--output', 'api.d.ts'], cwd);
      const options = '--strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --skipLibCheck';
      const target = '--module nodenext --target es2023 --lib es2023,dom --types node';
      await run(join(bin, 'tsc'), [...`${options} ${target}`.split(' '), 'client.ts'], cwd);
      const printed = await run(process.execPath, ['client.js', origin], cwd);
      expect(JSON.parse(printed)).toEqual(EXPECTED);
    }));

  it('generates a Python client that works', () =>
    withDocument(async (cwd) => {
      // Without a formatter, whose absence would be an error.
      await writeFile(join(cwd, 'config.yaml'), 'post_hooks: []\n');
      await mkdir(join(cwd, 'run'));
      await writeFile(join(cwd, 'run/main.py'), PYTHON_CLIENT);
      const out = ['--output-path', 'run/adult_client', '--meta', 'none', '--config', 'config.yaml'];
      await run(clientProgram('openapi-python-client'), ['generate', '--path', 'openapi.json', ...out], cwd);
      const bodies = [GOOD, BAD].map((body) => JSON.stringify(body));
      const printed = await run(clientProgram('python'), ['run/main.py', origin, ...bodies], cwd);
      expect(JSON.parse(printed)).toEqual(EXPECTED);
    }));

  it('is true of the server, whatever schemathesis sends: no 5xx, and every answer as described', () =>
    withTemporaryFolder(async (cwd) => {
      const said = await run(
        clientProgram('schemathesis'),
        [
          'run',
          `${origin}/openapi.json`,
          ...['--checks', 'all'],
          // Each cell is checked against its column, which a schema of a whole table can't express.
          ...['--exclude-checks', 'positive_data_acceptance'],
          ...['--max-examples', String(EXAMPLES), '--seed', '1', '--workers', '1'],
          ...['--continue-on-failure', '--no-color'],
        ],
        cwd,
        { SCHEMATHESIS_HOOKS: 'openapi_hooks', PYTHONPATH: join(HOME, 'scripts/testing') },
      );
      const [, passed = '0'] = /(\d+) generated, \1 passed/.exec(said) ?? [];
      expect(Number(passed), said).toBeGreaterThan(3000);
    }));
});
