import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, Prepared } from '../fault.ts';

/** The library that gives a program another clock. */
function findFakeTime(): string | undefined {
  const lib = '/usr/lib';
  const found = readdirSync(lib)
    .map((folder) => join(lib, folder, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
  return found;
}

export const clockJumps: Fault = {
  name: 'clock-jumps',
  what: 'the clock of all processes jumps: an hour forth, a day back, and home again',
  prepare: (folder): Prepared => {
    const library = findFakeTime();
    if (library === undefined) return { missing: 'libfaketime: apt-get install faketime' };
    const clock = join(folder, 'clock');
    writeFileSync(clock, '+0');
    chmodSync(clock, 0o644);
    return {
      options: {
        env: {
          LD_PRELOAD: library,
          FAKETIME_TIMESTAMP_FILE: clock,
          FAKETIME_NO_CACHE: '1',
          // Such jumps are of the time of day: no clock that counts time is ever set.
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      },
    };
  },
  strike: async ({ load, prepared, recovered }) => {
    const clock = prepared.options?.env?.['FAKETIME_TIMESTAMP_FILE'] as string;
    for (const offset of ['+3600', '-86400', '+0']) {
      writeFileSync(clock, offset);
      await load.more(300, 30_000);
    }
    await recovered();
  },
};
