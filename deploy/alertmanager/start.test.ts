import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withTemporaryFolder } from '../../server/testing/temporaryFolder.ts';
import { needs } from '../testing/programs.ts';

const START = fileURLToPath(new URL('start.sh', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly stderr: string;
  /** The arguments of Alertmanager. */
  readonly arguments: readonly string[];
  readonly url: string | undefined;
  /** The output of amtool for the configuration. */
  readonly valid: boolean;
  /** The mode of its file. */
  readonly mode: string | undefined;
}

/** Runs start.sh with a fake Alertmanager that records its arguments, and checks the configuration with amtool. */
const start = (env: Readonly<Record<string, string>>, file?: string): Promise<Result> =>
  withTemporaryFolder((folder) => {
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    const program = join(programs, 'alertmanager');
    writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
    chmodSync(program, 0o755);
    const secret = join(folder, 'url');
    if (file !== undefined) writeFileSync(secret, file);
    const { status, stdout, stderr } = spawnSync('sh', [START, '--one', '--two words'], {
      encoding: 'utf8',
      env: {
        PATH: `${programs}:${process.env['PATH'] ?? ''}`,
        TMPDIR: folder,
        ...(file === undefined ? {} : { ALERT_WEBHOOK_URL_FILE: secret }),
        ...env,
      },
    });
    const config = join(folder, 'alertmanager.yml');
    const written = status === 0 ? readFileSync(config, 'utf8') : 'receivers: [{}]';
    const { receivers } = parse(written) as { receivers: { webhook_configs?: { url: string }[] }[] };
    return Promise.resolve({
      code: status,
      stderr,
      arguments: stdout.split('\n').slice(0, -1),
      url: receivers[0]?.webhook_configs?.[0]?.url,
      valid: spawnSync('amtool', ['check-config', config]).status === 0,
      mode: statSync(config, { throwIfNoEntry: false })?.mode.toString(8),
    });
  });

const tool = needs('start.sh of Alertmanager', 'amtool');
describe.skipIf(tool.missing)(tool.title, () => {
  it.each([
    'http://hooks:8080/alerts',
    'https://user:pass@hooks.example/a/b?token=x&y=1,2&z=%7C#part',
    'https://hooks.example/T/%24not.a.variable*',
  ])('puts %s into the configuration as it is', async (url) => {
    const result = await start({ ALERT_WEBHOOK_URL: url });
    expect(result).toMatchObject({ code: 0, url, valid: true, mode: '100600' });
  });

  it('reads the address from a file, too, and passes its arguments on', async () => {
    const result = await start({}, 'http://hooks/file\n');
    expect(result).toMatchObject({ code: 0, url: 'http://hooks/file', valid: true });
    expect(result.arguments).toEqual([expect.stringMatching(/^--config\.file=/), '--one', '--two words']);
  });

  it('starts without a webhook, and reports that', async () => {
    const result = await start({ ALERT_WEBHOOK_URL: '' });
    expect(result).toMatchObject({ code: 0, url: undefined, valid: true });
    expect(result.stderr).toContain('alerts are sent nowhere');
  });

  it.each(["http://a'b", 'http://a b', 'http://a\nb: c', 'ftp://a', 'hooks', 'http://', 'http://a|b'])(
    'refuses %j',
    async (url) => {
      expect(await start({ ALERT_WEBHOOK_URL: url })).toMatchObject({ code: 2, arguments: [] });
    },
  );
});
