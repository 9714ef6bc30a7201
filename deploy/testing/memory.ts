import { readFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
const FORMULA = /^(\d+) MiB \+ server processes × \((\d+) MiB \+ (\d+) MiB × further threads\) \+ tmpfs$/m;
const UNITS: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024 };

export interface Size {
  /** CPU limit. */
  readonly cpus: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** MiB of a file system in memory. */
  readonly tmpfs: number;
}

/** MiB that a container of the server needs, by the formula of docs/deploy.md. */
export function memoryNeeded({ cpus, env = {}, tmpfs }: Size): number {
  const [base, each, thread] = (FORMULA.exec(PAGE)?.slice(1) ?? []).map(Number) as [number, number, number];
  const processes = Number(env['WEB_CONCURRENCY'] || Math.max(2, Math.ceil(cpus)));
  const further = Number(env['INFERENCE_THREADS'] || 1) - 1;
  return base + processes * (each + thread * further) + tmpfs;
}

/** MiB of a size as Kubernetes (1280Mi) or Docker (2304M, 1g; powers of two as well) writes it, or of a number of bytes. */
export function mebibytes(size: string | number = ''): number {
  const [, count, unit = ''] = /^(\d+)([kmg]?)i?$/i.exec(String(size)) ?? [];
  return Number(count) * (UNITS[unit.toLowerCase()] ?? 1 / 1024 ** 2);
}
