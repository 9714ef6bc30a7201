import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../server/testing/freePort.ts';
import type { Running } from './programs.ts';
import { answers, startProgram } from './programs.ts';
import { readService } from './service.ts';

const SHIPPED = fileURLToPath(new URL('../alertmanager', import.meta.url));

/**
 * Starts Alertmanager as its container does, by start.sh, with the shipped configuration; but it doesn't wait for more
 * alerts of a group.
 */
export async function startAlertmanager(
  home: string,
  webhook: string,
): Promise<Running & { readonly address: string }> {
  const folder = join(home, 'alertmanager');
  const programs = join(folder, 'programs');
  mkdirSync(programs, { recursive: true });
  cpSync(SHIPPED, folder, { recursive: true });
  const config = join(folder, 'alertmanager.yml');
  writeFileSync(config, readFileSync(config, 'utf8').replace('group_wait: 10s', 'group_wait: 0s'));
  // Its name in the image; Debian's package has another one.
  const program = execFileSync('sh', ['-c', 'command -v prometheus-alertmanager'], {
    encoding: 'utf8',
  }).trim();
  symlinkSync(program, join(programs, 'alertmanager'));
  const tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  const address = `127.0.0.1:${await freePort()}`;
  const running = await startProgram(
    'sh',
    [
      join(folder, 'start.sh'),
      ...readService('alertmanager').command.map((flag) => flag.replace('=/alertmanager', '=data')),
      `--web.listen-address=${address}`,
    ],
    {
      cwd: folder,
      env: { PATH: `${programs}:${process.env['PATH'] ?? ''}`, TMPDIR: tmp, ALERT_WEBHOOK_URL: webhook },
      ready: () => answers(`http://${address}/-/ready`),
    },
  );
  return { ...running, address };
}
