import type { Logger } from 'pino';
import { destination, pino } from 'pino';
import pretty from 'pino-pretty';

/**
 * The log of one process: JSON lines on stdout, or coloured text where stdout is a terminal. Synchronous, since
 * the last line before an exit is the one that matters; requests are never logged, so it's never on their path.
 */
export function createLog(level: string, role: string): Logger {
  const stream = process.stdout.isTTY
    ? pretty({ sync: true, ignore: 'pid,hostname,role' })
    : destination({ dest: 1, sync: true });
  return pino({ level, base: { role, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}
