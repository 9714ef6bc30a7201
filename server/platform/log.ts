import type { Logger } from 'pino';
import { destination, pino } from 'pino';
import { redact } from './redact.ts';

/**
 * The log of one process: JSON lines on stdout, or coloured text if stdout is a terminal. Synchronous, so that the last
 * line before an exit is not lost; requests aren't logged, so it isn't on their path.
 */
export async function createLog(level: string, role: string): Promise<Logger> {
  const stream = process.stdout.isTTY
    ? (await import('pino-pretty')).default({ sync: true, ignore: 'pid,hostname,role' })
    : destination({ dest: 1, sync: true });
  return pino(
    { level, base: { role, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => void stream.write(redact(line)) },
  );
}
