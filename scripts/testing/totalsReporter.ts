import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Where scripts/test.sh wants the totals; unset when vitest is run by hand. */
const totalsFile = process.env['TEST_TOTALS'];

/**
 * Writes `passed failed skipped` on one line, then the full name of every skipped test: it holds the reason, unless the
 * test found that out itself. Beside it, the names of the tests that passed only when they were tried again.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    if (totalsFile === undefined) return;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    // A file that doesn't load has no tests, and an error outside of any test would pass unseen.
    const broken = modules.filter(
      (module) => module.state() === 'failed' && module.children.size === 0,
    ).length;
    const skipped = tests.flatMap((test) => {
      const result = test.result();
      if (result.state !== 'skipped') return [];
      return result.note === undefined ? test.fullName : `${test.fullName} (skipped: ${result.note})`;
    });
    const failed = count('failed') + broken + unhandledErrors.length;
    const retried = tests.filter((test) => test.diagnostic()?.flaky === true).map((test) => test.fullName);
    writeFileSync(`${totalsFile}.retried`, retried.map((name) => `${name}\n`).join(''));
    writeFileSync(totalsFile, [`${count('passed')} ${failed} ${skipped.length}`, ...skipped, ''].join('\n'));
  }
}
