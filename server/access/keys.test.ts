import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { createGate } from './gate.ts';
import { readKeys } from './keys.ts';

const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const entry = (client: string, key: string): string => `${client}:${digestOf(key)}`;

const refusalOf = (keys: string, API_KEYS_FILE?: string): string => {
  try {
    readKeys({ API_KEYS: keys.split(','), API_KEYS_FILE });
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('keys', () => {
  it('come from the setting and from the file, without comments and empty lines', () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, 'keys');
      await writeFile(file, `# clients\n\n${entry('bank', 'b')}\r\n${entry('bank', 'b2')}\n`);
      const keys = readKeys({ API_KEYS: [entry('ops', 'o'), ` ${entry('web', 'w')}`], API_KEYS_FILE: file });
      expect(keys.map(({ client }) => client)).toEqual(['ops', 'web', 'bank', 'bank']);
      expect(keys.at(-1)?.digest).toBe(digestOf('b2'));
    }));

  it('that are invalid are reported by their place, never by their content', () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, 'keys');
      await writeFile(file, `${entry('bank', 'b')}\nbank:a-key-in-the-clear\n`);
      const form = 'is not CLIENT:DIGEST, where DIGEST is 64 hexadecimal digits';
      expect(refusalOf('', file)).toBe(`API_KEYS_FILE, line 2 ${form}`);
      expect(refusalOf(`${entry('bank', 'b')},a-key`)).toBe(`API_KEYS, entry 2, ${form}`);
      await writeFile(file, '\n');
      expect(refusalOf('', file)).toBe('API_KEYS_FILE has no keys');
      expect(refusalOf('', join(folder, 'missing'))).toBe("API_KEYS_FILE can't be read: ENOENT");
    }));
});

describe('the gate', () => {
  const gate = createGate();
  const clientOf = (headers: Readonly<Record<string, string>>): string | undefined =>
    gate.clientOf((name) => headers[name]);

  it('admits no request before it has keys', () => {
    expect(clientOf({ 'x-api-key': '' })).toBeUndefined();
    expect(clientOf({ 'x-api-key': 'b' })).toBeUndefined();
  });

  it('knows a client by any of its keys, in either header', () => {
    gate.replace(readKeys({ API_KEYS: [entry('bank', 'b'), entry('web', 'w')], API_KEYS_FILE: undefined }));
    expect(clientOf({ authorization: 'Bearer b' })).toBe('bank');
    expect(clientOf({ authorization: 'bearer  w ' })).toBe('web');
    expect(clientOf({ 'x-api-key': 'w' })).toBe('web');
    for (const authorization of [
      'b',
      'Basic b',
      'Bearer',
      'Bearer b x',
      'Bearer B',
      `Bearer ${digestOf('b')}`,
    ])
      expect(clientOf({ authorization })).toBeUndefined();
  });

  it('drops keys that are replaced', () => {
    gate.replace([{ client: 'bank', digest: digestOf('new') }]);
    expect(clientOf({ 'x-api-key': 'b' })).toBeUndefined();
    expect(clientOf({ 'x-api-key': 'new' })).toBe('bank');
  });
});
