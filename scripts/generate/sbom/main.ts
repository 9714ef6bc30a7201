import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { WrongArguments, runTool } from '../../cli/failure.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { describeLicences } from './licences.ts';
import { readBill, readWithoutText } from './read.ts';

const USAGE = `Usage: ./scripts/sbom [--licences] [--help]

Prints the bill of materials of the product as CycloneDX JSON: the npm packages of package-lock.json that are in the image, each
with its hash and licence; the shipped models, each with its hash (the licence of their data: CARD.md); the base image by its
tag and what Debian adds by its name, as the day of the build decides their versions. The same sources give the same bytes.

  --licences  write docs/licences.md instead
  --help      print this
`;

await runTool(USAGE, async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { licences: { type: 'boolean', default: false } },
  });
  if (positionals.length > 0) throw new WrongArguments('wrong number of arguments');
  const bill = await readBill();
  if (!values.licences) return `${JSON.stringify(bill, null, 2)}\n`;
  await writeFile(fromHome('docs/licences.md'), describeLicences(bill, readWithoutText()));
  return 'wrote docs/licences.md\n';
});
