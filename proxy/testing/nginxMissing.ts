import { spawnSync } from 'node:child_process';

/** The reason why tests that need nginx can't run here; undefined if they can. */
export const nginxMissing: string | undefined =
  spawnSync('nginx', ['-v']).status === 0
    ? undefined
    : 'skipped, nginx is missing: apt-get install nginx-light';

/** A test's title, with the reason if it is skipped. */
export const needsNginx = (title: string): string => (nginxMissing ? `${title} (${nginxMissing})` : title);
