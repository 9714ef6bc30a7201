import { readFileSync, writeFileSync } from 'node:fs';
import { fromHome } from '../../../server/platform/install.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { generateCheck } from './generate.ts';

const USAGE = `Usage: npm run build:schema

Writes server/loading/modelJson.generated.ts, the check of model.json, from models/model.schema.json.
`;

await runTool(
  withUsage(USAGE, (_, { stdout }) => {
    const path = fromHome('server/loading/modelJson.generated.ts');
    writeFileSync(
      path,
      generateCheck(JSON.parse(readFileSync(fromHome('models/model.schema.json'), 'utf8')) as object),
    );
    stdout.write(`${path}\n`);
    return Promise.resolve(0);
  }),
);
