import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runTool, withUsage } from '../../cli/tool.ts';
import { DASHBOARDS, toJson } from './dashboard.ts';

const FOLDER = 'deploy/grafana/dashboards';

const USAGE = `Usage: ./scripts/run dashboards [--output FOLDER]

Writes Grafana's dashboards from their code in scripts/generate/dashboards.

  --output FOLDER  where to (${FOLDER})
  --help           print this
`;

await runTool(
  withUsage(USAGE, (argv, { stdout, folder }) => {
    const { values } = parseArgs({
      args: [...argv],
      options: { output: { type: 'string', default: FOLDER } },
    });
    for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
      const path = resolve(folder, join(values.output, name));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, toJson(dashboard));
      stdout.write(`${path}: ${dashboard.panels.length} panels\n`);
    }
    return Promise.resolve(0);
  }),
);
