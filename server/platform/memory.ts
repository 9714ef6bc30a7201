import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';

/** Bytes that this process and those beside it may use: the container's limit, or else what the machine has. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  // Without a limit, 0 or more than any machine has.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

type ReadFile = (path: string) => string | undefined;

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Bytes of that which are free. Pages of files are: the kernel drops them where memory is needed. */
export function freeMemory(read: ReadFile = readFile, limit = availableMemory()): number {
  const kilobytes = /^MemAvailable: +(\d+) kB$/m.exec(read('/proc/meminfo') ?? '')?.[1];
  const ofMachine = kilobytes === undefined ? freemem() : 1024 * Number(kilobytes);
  // cgroup v2, then v1.
  const used = read('/sys/fs/cgroup/memory.current') ?? read('/sys/fs/cgroup/memory/memory.usage_in_bytes');
  const facts = read('/sys/fs/cgroup/memory.stat') ?? read('/sys/fs/cgroup/memory/memory.stat') ?? '';
  const files = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(facts)?.[1] ?? 0);
  return used === undefined ? ofMachine : Math.min(ofMachine, limit - Number(used) + files);
}
