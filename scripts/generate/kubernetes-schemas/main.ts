import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { fromHome } from '../../../server/platform/install.ts';
import { runTool } from '../../cli/failure.ts';
import type { Kind } from './kinds.ts';
import { kindOfDefinition, kindsOfSwagger } from './kinds.ts';
import type { Schema } from './schema.ts';
import { shareParts } from './share.ts';
import type { Module } from './sources.ts';
import { ADDED, KUBERNETES } from './sources.ts';

const FOLDER = 'deploy/kubernetes/schemas';
const USAGE = `Usage: ./scripts/kubernetes-schemas [--help]

Writes ${FOLDER}: JSON Schemas of the Kubernetes kinds that deploy/kubernetes uses, so that the
manifests can be checked without any network. They are made from the API descriptions in published Go modules,
whose versions are in scripts/generate/kubernetes-schemas/sources.ts; Go fetches them, some 60 MB once.
`;

/** The folder of a module, which Go fetches where it isn't there. */
async function folderOf({ module, version }: Module): Promise<string> {
  const args = ['mod', 'download', '-json', `${module}@${version}`];
  const { stdout } = await promisify(execFile)('go', args, { timeout: 600_000 });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** The name that kubeconform looks for; one definition a line, so that a new version can be read as a diff. */
async function write({ group, version, kind, schema }: Kind, from: Module): Promise<string> {
  const name = [kind.toLowerCase(), group.split('.')[0], version].filter((part) => part !== '').join('-');
  const { definitions, ...shared } = shareParts(schema);
  const lines = Object.entries(definitions as Schema).map(
    ([id, part]) => `${JSON.stringify(id)}: ${JSON.stringify(part)}`,
  );
  const comment = `From ${from.module}@${from.version} (Apache-2.0) by scripts/kubernetes-schemas.`;
  const text = `{"$comment": ${JSON.stringify(comment)},
"definitions": {${lines.join(',\n')}},
${JSON.stringify(shared).slice(1)}
`;
  await writeFile(fromHome(join(FOLDER, `${name}.json`)), text);
  return `${FOLDER}/${name}.json ${Math.ceil(text.length / 1024)} KiB\n`;
}

await runTool(USAGE, async (args) => {
  parseArgs({ args: [...args], options: {} });
  const written: string[] = [];
  const swagger = await readFile(join(await folderOf(KUBERNETES), KUBERNETES.file), 'utf8');
  await rm(fromHome(FOLDER), { recursive: true, force: true });
  await mkdir(fromHome(FOLDER), { recursive: true });
  for (const kind of kindsOfSwagger(JSON.parse(swagger) as Schema, KUBERNETES.definitions)) {
    written.push(await write(kind, KUBERNETES));
  }
  for (const { files, ...module } of ADDED) {
    const folder = await folderOf(module);
    for (const file of files) {
      const definition = parse(await readFile(join(folder, file), 'utf8')) as Schema;
      written.push(await write(kindOfDefinition(definition), module));
    }
  }
  return written.join('');
});
