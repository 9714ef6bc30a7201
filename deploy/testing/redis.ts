import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../server/testing/freePort.ts';
import type { Running } from './programs.ts';
import { startProgram } from './programs.ts';
import { readService } from './service.ts';

/** Starts Redis as compose.yaml does. */
export async function startRedis(home: string): Promise<Running & { readonly port: number }> {
  const folder = join(home, 'redis');
  mkdirSync(folder);
  const port = await freePort();
  const [program, ...flags] = readService('redis').command;
  const running = await startProgram(
    program as string,
    [...flags, '--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
    {
      cwd: folder,
      ready: () =>
        Promise.resolve(spawnSync('redis-cli', ['-p', String(port), 'ping']).stdout.includes('PONG')),
    },
  );
  return { ...running, port };
}
