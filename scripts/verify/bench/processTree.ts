import { readFileSync, readdirSync } from 'node:fs';

/** One process as /proc/PID/stat describes it. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all its threads, also of those that ended, in clock ticks. */
  readonly ticks: number;
  /** The same of its children that ended and were waited for, with theirs. */
  readonly childrenTicks: number;
  /** In clock ticks since boot: with the pid it names a process for good, as pids are used again. */
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

/** The process, or undefined when there is none with this pid any more. */
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
