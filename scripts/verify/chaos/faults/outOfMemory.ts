import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../fault.ts';

/** The heap of a process that is to run out of memory. */
const HEAP_MB = 256;

export const outOfMemory: Fault = {
  name: 'out-of-memory',
  what: 'a server process runs out of memory',
  mayLose: 'what it holds, when it collects garbage for longer than DEADLINE_MS before it dies: 504',
  prepare: (folder) => {
    const preload = join(folder, 'hoards.cjs');
    writeFileSync(
      preload,
      'if (process.env.SERVEMODEL_SLOT !== undefined) process.on("SIGWINCH", () => {\n' +
        '  const hoard = [];\n  for (;;) hoard.push(new Array(5e6).fill(hoard));\n});\n',
    );
    return {
      options: { env: { NODE_OPTIONS: `--require ${preload} --max-old-space-size=${HEAP_MB}` } },
    };
  },
  strike: async ({ server, chance, recovered }) => {
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGWINCH');
    await recovered([victim]);
  },
};
