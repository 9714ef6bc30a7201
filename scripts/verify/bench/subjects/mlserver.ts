import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../../server/testing/freePort.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { PEERS_FOLDER } from '../peers.ts';
import { MODEL, type Table, VERSION } from '../rows.ts';
import { answers, until } from './subject.ts';

const START_TIMEOUT_MS = 120_000;

export interface Mlserver {
  readonly pids: readonly number[];
  readonly grpcPort: number;
  stop(): Promise<void>;
}

/**
 * Starts MLServer on the scikit-learn pipeline, in one process: passing rows to others costs it more.
 *
 * @param python of an environment that has it
 * @param table whose columns are its inputs
 */
export async function startMlserver(
  context: Context,
  python: string,
  pipeline: string,
  { columns, data }: Table,
): Promise<Mlserver> {
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const folder = join(context.folder, 'mlserver');
  await mkdir(folder);
  const write = (file: string, content: unknown): Promise<void> =>
    writeFile(join(folder, file), JSON.stringify(content));
  await write('settings.json', {
    ...{ host: LOOPBACK, http_port: httpPort, grpc_port: grpcPort },
    ...{ parallel_workers: 0, metrics_endpoint: null, debug: false },
  });
  await write('model-settings.json', {
    name: MODEL,
    implementation: 'mlserver_runtime.PipelineRuntime',
    inputs: columns.map((name, column) =>
      typeof data[0]?.[column] === 'string'
        ? { name, datatype: 'BYTES', shape: [-1], parameters: { content_type: 'str' } }
        : { name, datatype: 'INT64', shape: [-1] },
    ),
    parameters: { version: VERSION, uri: pipeline },
  });
  const child = startChild({
    name: 'mlserver',
    command: join(python, '../mlserver'),
    args: ['start', folder],
    cwd: folder,
    env: { PYTHONPATH: PEERS_FOLDER, PYTHONDONTWRITEBYTECODE: '1' },
  });
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(httpPort, `/v2/models/${MODEL}/ready`);
  await until(context, 'mlserver is ready', ready, [child], START_TIMEOUT_MS);
  return { pids: [child.pid], grpcPort, stop: child.stop };
}
