import { spawnSync } from 'node:child_process';

/** Why tests that need promtool can't run here, or undefined where they can. */
export const promtoolMissing: string | undefined =
  spawnSync('promtool', ['--version']).status === 0
    ? undefined
    : 'skipped, promtool is missing: apt-get install prometheus';

/** A test's title that carries the reason when it is skipped. */
export const needsPromtool = (title: string): string =>
  promtoolMissing ? `${title} (${promtoolMissing})` : title;

/** What `promtool check metrics` finds wrong with an exposition: nothing, if it is clean. */
export function checkMetrics(text: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  const said = `${stdout}${stderr}`.trim();
  return status === 0 ? said : said || `promtool ended with ${status}`;
}
