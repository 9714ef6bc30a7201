import { join } from 'node:path';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { PEERS_FOLDER, type PeerFiles } from '../peers.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { MODEL, VERSION } from '../rows.ts';
import { startPeer } from './peer.ts';
import type { Subject } from './subject.ts';
import { PROCESSES, toNativeBody } from './subject.ts';

/** Starts FastAPI with ONNX Runtime, tuned, without a proxy. */
export async function startFastapi(
  context: Context,
  { python }: PeerFiles,
  repository: string,
): Promise<Subject> {
  const port = await freePort();
  return startPeer(
    context,
    { name: 'fastapi', port, path: '/predict', maxConnections: Infinity, toBody: toNativeBody },
    {
      command: python,
      args: [
        ...['-m', 'uvicorn', 'fastapi_app:app', '--app-dir', PEERS_FOLDER],
        ...['--host', LOOPBACK, '--port', String(port), '--workers', String(PROCESSES)],
        ...['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning'],
      ],
      env: { BENCH_MODEL: join(repository, MODEL, VERSION), PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
}
