import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runTool, withUsage } from '../../cli/tool.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { describeLicences } from './licences.ts';
import { readBill, readWithoutText } from './read.ts';

const USAGE = `Usage: npm run sbom -- [--licences] [--help]

Prints the bill of materials of the product as CycloneDX JSON: the npm packages of package-lock.json that are in the image, each
with its hash and licence; the shipped models, each with its hash (the licence of their data: CARD.md); the base image by its
tag and what Debian adds by its name, as the day of the build decides their versions. The same sources give the same bytes.

  --licences  write docs/licences.md instead
  --help      print this
`;

await runTool(
  withUsage(USAGE, async (argv, { stdout }) => {
    const { values } = parseArgs({
      args: [...argv],
      options: { licences: { type: 'boolean', default: false } },
    });
    const bill = await readBill();
    if (!values.licences) {
      stdout.write(`${JSON.stringify(bill, null, 2)}\n`);
      return 0;
    }
    await writeFile(fromHome('docs/licences.md'), describeLicences(bill, readWithoutText()));
    stdout.write('wrote docs/licences.md\n');
    return 0;
  }),
);
