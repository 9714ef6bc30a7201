import { readFileSync, readdirSync } from 'node:fs';
import type { Fault, Prepared } from '../fault.ts';
import { run } from './run.ts';

export const descriptorsGone: Fault = {
  name: 'descriptors-gone',
  what: 'a server process may open no file and take no connection any more',
  prepare: (): Prepared => {
    const missing = run('prlimit', '--version');
    return missing === undefined ? {} : { missing: `prlimit: ${missing}` };
  },
  strike: async ({ server, load, chance, recovered }) => {
    const victim = chance.pick(server.serverProcesses());
    const open = readdirSync(`/proc/${victim}/fd`).length;
    const before = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync(`/proc/${victim}/limits`, 'utf8'));
    const limit = (soft: number | string): void => {
      const refusal = run('prlimit', '--pid', String(victim), `--nofile=${soft}:${before?.[2] ?? ''}`);
      if (refusal !== undefined) throw new Error(`prlimit: ${refusal}`);
    };
    limit(open);
    await load.more(1000, 60_000);
    limit(before?.[1] ?? 1024);
    await recovered();
  },
};
