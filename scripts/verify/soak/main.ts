import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from '../../../server/testing/startServer.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { UsageError } from '../../cli/faults.ts';
import { drawPicture } from './picture.ts';
import { soak } from './soak.ts';
import { lostOf, summarize } from './summary.ts';

const USAGE = `Usage: npm run soak -- [options]

Starts a server of its own, keeps it under steady load whose every answer is checked, and samples its memory, latency
and open files. Writes soak.json and soak.svg.

  --minutes N      how long (default 60)
  --connections N  clients that send without a pause (default 4)
  --every SECONDS  time between two samples (default 10)
  --output FOLDER  where to write (default .bench/soak)
  --help           print this

Ctrl-C ends it early, with a report. Exit code: 0, 1 when a request was lost, 2 for bad usage.
`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 100_000)) throw new UsageError(`--${name} must be a positive number`);
  return value;
}

await runTool(
  withUsage(USAGE, async (argv, { stdout, stderr, folder, interrupt }) => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        minutes: { type: 'string', default: '60' },
        connections: { type: 'string', default: '4' },
        every: { type: 'string', default: '10' },
        output: { type: 'string', default: '.bench/soak' },
      },
    });
    const minutes = positive('minutes', values.minutes);
    const connections = Math.ceil(positive('connections', values.connections));
    const everySeconds = positive('every', values.every);
    const output = resolve(folder, values.output);
    mkdirSync(output, { recursive: true });
    const server = await startServer();
    try {
      const result = await soak(server, {
        minutes,
        connections,
        everySeconds,
        interrupt,
        onSample: ({ seconds, pssBytes, p99Ms, failed }) => {
          const done = `${(seconds / 60).toFixed(1)} of ${minutes} min`;
          const text = `${done}, ${(pssBytes / 1024 ** 2).toFixed(0)} MiB, p99 ${p99Ms.toFixed(2)} ms, ${failed} lost`;
          stderr.write(stderr.isTTY ? `\r${text}  ` : `${text}\n`);
        },
      });
      if (stderr.isTTY) stderr.write('\n');
      writeFileSync(join(output, 'soak.json'), `${JSON.stringify(result, null, 2)}\n`);
      writeFileSync(join(output, 'soak.svg'), drawPicture(result.samples));
      stdout.write(`${summarize(result)}wrote ${output}/soak.json and soak.svg\n`);
      await server.stop();
      return lostOf(result.report) === 0 ? 0 : 1;
    } finally {
      await server.clean();
    }
  }),
);
