import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import type { PeerFiles } from '../peers.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { startPeer } from './peer.ts';
import type { Subject } from './subject.ts';
import { PROCESSES } from './subject.ts';

/** It answers a few hundred requests a second: with more waiting, a measurement would see no answer at all. */
const MAX_CONNECTIONS = 64;

/** Starts MLflow's own server on the scikit-learn pipeline. */
export async function startMlflow(
  context: Context,
  { python, bin, mlflowModel }: PeerFiles,
): Promise<Subject> {
  const port = await freePort();
  return startPeer(
    context,
    {
      name: 'mlflow',
      port,
      path: '/invocations',
      maxConnections: MAX_CONNECTIONS,
      toBody: ({ columns, data }) => JSON.stringify({ dataframe_split: { columns, data } }),
    },
    {
      command: python,
      args: [
        ...['-m', 'mlflow', 'models', 'serve', '--model-uri', mlflowModel, '--env-manager', 'local'],
        ...['--host', LOOPBACK, '--port', String(port), '--workers', String(PROCESSES)],
      ],
      env: {
        // It starts uvicorn by its name.
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        MLFLOW_DISABLE_TELEMETRY: 'true',
        PYTHONDONTWRITEBYTECODE: '1',
      },
    },
  );
}
