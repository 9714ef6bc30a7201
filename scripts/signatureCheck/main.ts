import { readFileSync, writeFileSync } from 'node:fs';
import { fromHome } from '../../server/project.ts';
import { runTool, withUsage } from '../calls/run.ts';
import { generateCheck } from './generate.ts';

const USAGE = `Usage: npm run build:schema

Writes server/models/signatureCheck.ts, the check of model.json, from models/model.schema.json.
`;

await runTool(
  withUsage(USAGE, (_, { stdout }) => {
    const path = fromHome('server/models/signatureCheck.ts');
    writeFileSync(
      path,
      generateCheck(JSON.parse(readFileSync(fromHome('models/model.schema.json'), 'utf8')) as object),
    );
    stdout.write(`${path}\n`);
    return Promise.resolve(0);
  }),
);
