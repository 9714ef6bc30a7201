import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDeadline } from '../../../../server/testing/withDeadline.ts';
import { withTemporaryFolder } from '../../../../server/testing/temporaryFolder.ts';
import { loadtest } from '../loadtest.ts';
import type { Report } from '../report.ts';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly interrupt?: AbortSignal;
  readonly isTTY?: boolean;
  readonly folder?: string;
}

/** Runs the load test in this process, as its entry does. */
export async function runLoadtest(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { interrupt = new AbortController().signal, isTTY = false, folder = process.cwd() } = options;
  let [stdout, stderr] = ['', ''];
  const code = await withDeadline(
    `loadtest ${argv.join(' ')}`,
    loadtest(argv, {
      stdout: { write: (text) => (stdout += text) },
      stderr: { isTTY, columns: 120, write: (text: string) => (stderr += text) },
      folder,
      interrupt,
    }),
    15_000,
  );
  return { code, stdout, stderr };
}

/** The same with a few rows of its own; returns the saved report and page as well. */
export async function measure(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Run & { readonly report: Report; readonly page: string }> {
  return await withTemporaryFolder(async (folder) => {
    const run = await runLoadtest([...argv, '--json', 'result.json', '--html', 'result.html'], {
      ...options,
      folder,
    });
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return { ...run, report: JSON.parse(read('result.json')) as Report, page: read('result.html') };
  });
}
