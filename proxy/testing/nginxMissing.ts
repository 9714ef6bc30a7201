import { spawnSync } from 'node:child_process';

/** Why tests that need nginx can't run here, or undefined where they can. */
export const nginxMissing: string | undefined =
  spawnSync('nginx', ['-v']).status === 0
    ? undefined
    : 'skipped, nginx is missing: apt-get install nginx-light';

/** A test's title that carries the reason when it is skipped. */
export const needsNginx = (title: string): string => (nginxMissing ? `${title} (${nginxMissing})` : title);
