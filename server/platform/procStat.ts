import { readFileSync } from 'node:fs';

/** What the main thread of a process is doing. */
export interface MainThread {
  /** R runs or wants to, D waits for a disk, S sleeps, T is stopped: see proc(5). */
  readonly state: string;
  /** Processor time that it has had, in clock ticks (10 ms as a rule). */
  readonly ticks: number;
}

/** Looks at the main thread of another process; undefined where that can't be known, as it can on Linux only. */
export function readMainThread(pid: number): MainThread | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
    // The name before these may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
