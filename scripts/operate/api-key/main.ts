import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KeysUnreadable, parseKeys } from '../../../server/access/keys.ts';
import { Failure, UsageError } from '../../cli/faults.ts';
import { runTool, withUsage } from '../../cli/tool.ts';

const USAGE = `Usage: npm run api-key -- CLIENT [--file FILE] [--help]

Makes a key for a client. The key is printed once and kept nowhere; the server is given only its digest, as an entry of
API_KEYS or a line of API_KEYS_FILE. A client may have several, so that a new key can be given out before the old one goes.

  --file FILE  append the entry to FILE, which only its owner may read if it is new
  --help       print this
`;

/** 256 random bits: no guess comes near, so a plain digest keeps them as safe as a slow one would. */
const KEY_BYTES = 32;

/** Adds a line to what stands in a file, whose last line may lack its end: people edit it. */
function addLine(file: string, line: string): void {
  const descriptor = openSync(file, 'a+', 0o600);
  try {
    const { size } = fstatSync(descriptor);
    const last = Buffer.from('\n');
    if (size > 0) readSync(descriptor, last, 0, 1, size - 1);
    writeSync(descriptor, `${last.toString() === '\n' ? '' : '\n'}${line}\n`);
  } finally {
    closeSync(descriptor);
  }
}

await runTool(
  withUsage(USAGE, (argv, { stdout, folder }) => {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { file: { type: 'string' } },
    });
    const [client, ...others] = positionals;
    if (client === undefined || others.length > 0) throw new UsageError('one CLIENT is needed');
    const key = `sm_${randomBytes(KEY_BYTES).toString('base64url')}`;
    const entry = `${client}:${createHash('sha256').update(key).digest('hex')}`;
    try {
      parseKeys([entry], () => '');
    } catch (error) {
      if (!(error instanceof KeysUnreadable)) throw error;
      throw new UsageError('CLIENT must be of letters, digits, dots, dashes and underscores, at most 64');
    }
    if (values.file === undefined) {
      stdout.write(`key    ${key}\nentry  ${entry}\n`);
      return Promise.resolve(0);
    }
    try {
      addLine(resolve(folder, values.file), entry);
    } catch (error) {
      throw new Failure(`${values.file} can't be written: ${(error as NodeJS.ErrnoException).code}`);
    }
    stdout.write(`key    ${key}\n`);
    return Promise.resolve(0);
  }),
);
