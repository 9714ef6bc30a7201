import { readFileSync, readdirSync } from 'node:fs';

/** One process as /proc/PID/stat describes it. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all its threads, also of those that ended, in clock ticks. */
  readonly ticks: number;
  /** The same of its children that ended and were waited for, with theirs. */
  readonly childrenTicks: number;
  /** In clock ticks since boot. With the pid it identifies a process: pids alone are used again. */
  readonly started: number;
}

/** Reads a line of /proc/PID/stat; field numbers as in proc(5). */
export function parseStat(line: string): ProcessStat {
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    ticks: field(14) + field(15),
    childrenTicks: field(16) + field(17),
    started: field(22),
  };
}

/** The process, or undefined when none has this pid. */
export function readProcess(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The processes with these pids and all their descendants, as they are now. */
export function readTree(roots: readonly number[]): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  const found: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const process = readProcess(Number(name));
    if (!process) continue;
    if (roots.includes(process.pid)) found.push(process);
    const siblings = children.get(process.parent);
    if (siblings) siblings.push(process);
    else children.set(process.parent, [process]);
  }
  // The list grows while it is walked. A root below another root would else be counted twice.
  for (const { pid } of found) {
    for (const child of children.get(pid) ?? []) if (!found.includes(child)) found.push(child);
  }
  return found;
}

/** USER_HZ: the unit of /proc/PID/stat, 100 on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, that the processes and all their descendants have used so far. */
export function treeCpuSeconds(roots: readonly number[]): number {
  const ticks = readTree(roots).reduce((sum, process) => sum + process.ticks + process.childrenTicks, 0);
  return ticks / TICKS_PER_SECOND;
}

/** The proportional set size in a text of /proc/PID/smaps_rollup, in bytes. */
export function parsePss(text: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

function pssOf(pid: number): number {
  try {
    return parsePss(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  } catch {
    // It ended since the tree was read.
    return 0;
  }
}

/** Memory of the processes and all their descendants, in bytes: PSS counts a shared page once. */
export function treePssBytes(roots: readonly number[]): number {
  return readTree(roots).reduce((sum, { pid }) => sum + pssOf(pid), 0);
}
