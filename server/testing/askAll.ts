import type { BareAnswers } from './bareModels.ts';
import type { Server } from './startServer.ts';
import { withDeadline } from './withDeadline.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Posts a body and returns the answer. */
export async function post(
  server: Server,
  path: string,
  body: unknown,
  type = 'application/json',
): Promise<Answer> {
  const response = await withDeadline(
    `the answer to ${path}`,
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, text: await response.text() };
}

async function json<T>(answer: Promise<Answer>): Promise<T> {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as T;
}

/** An output of V2. */
export interface V2Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** The answers of a model to some rows, by dialect. */
export interface AllAnswers {
  readonly native: Readonly<Record<string, unknown>>;
  readonly v1: { readonly predictions: unknown };
  readonly v2: readonly V2Output[];
  readonly columns: readonly string[];
  readonly file: { readonly status: number; readonly text: string };
}

/** The answers of a model to its rows in every dialect. */
export async function askAll(
  server: Server,
  name: string,
  { data }: BareAnswers,
  query = '',
): Promise<AllAnswers> {
  const { inputs } = (await (await fetch(`http://127.0.0.1:${server.port}/models/${name}`)).json()) as {
    readonly inputs: readonly { readonly name: string; readonly type: string }[];
  };
  const columns = inputs.map((input) => input.name);
  const csv = `${[columns, ...data].map((row) => row.join()).join('\n')}\n`;
  const tensors = inputs.map((input, at) => ({
    name: input.name,
    shape: [data.length],
    datatype: { string: 'BYTES', integer: 'INT64' }[input.type] ?? 'FP64',
    data: data.map((row) => row[at]),
  }));
  const native = await json<Record<string, unknown>>(
    post(server, `/models/${name}/predict${query}`, { columns, data }),
  );
  const v1 = await json<{ predictions: unknown }>(
    post(server, `/v1/models/${name}:predict`, { instances: data }),
  );
  const v2 = await json<{ outputs: V2Output[] }>(
    post(server, `/v2/models/${name}/infer`, { inputs: tensors }),
  );
  const file = await fetch(`http://127.0.0.1:${server.port}/models/${name}/predict_file${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', accept: 'text/csv' },
    body: csv,
  });
  return { native, v1, v2: v2.outputs, columns, file: { status: file.status, text: await file.text() } };
}
