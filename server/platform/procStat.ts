import { readFileSync } from 'node:fs';

/** What the main thread of a process is doing. */
export interface MainThread {
  /** R: runnable, D: waits for a disk, S: sleeps, T: stopped. See proc(5). */
  readonly state: string;
  /** Processor time used, in clock ticks (usually 10 ms). */
  readonly ticks: number;
}

/** Reads the state of another process's main thread; undefined if it has exited, or the system isn't Linux. */
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
