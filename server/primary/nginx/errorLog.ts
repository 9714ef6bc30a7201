import { Socket } from 'node:net';
import type { Logger } from 'pino';
import { readProxyError } from '../../../proxy/errorLog.ts';

/** Writes nginx's error log to our log: as JSON, and without the requests in it. */
export function followProxyLog(fd: number, log: Logger): void {
  let rest = '';
  new Socket({ fd, readable: true, writable: false }).setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { level, message, ...fields } = readProxyError(line);
      log[level](fields, message);
    }
  });
}
