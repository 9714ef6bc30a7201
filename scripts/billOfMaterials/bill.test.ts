import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromHome } from '../../server/project.ts';
import type { Bill } from './bill.ts';
import { licenceOf } from './bill.ts';
import { isAccepted, packagesOf } from './licences.ts';
import { readBill, readShipped } from './read.ts';

describe('the bill of materials', () => {
  let bill: Bill;
  beforeAll(async () => {
    bill = await readBill();
  });

  it('has every package of the lock file that the image holds, with its version, hash and address', () => {
    const shipped = [...readShipped()];
    // One that development needs as well, and a direct one.
    expect(shipped.filter((name) => /^(?:tslib|hono)@/.test(name))).toHaveLength(2);
    const packages = bill.components.filter(({ type }) => type === 'library');
    expect(packages.map(({ name, version }) => `${name}@${version}`).toSorted()).toEqual(shipped.toSorted());
    for (const part of packages) {
      expect(part['purl'], part.name).toMatch(/^pkg:npm\//);
      expect(part.hashes?.[0], part.name).toMatchObject({ alg: 'SHA-512' });
    }
  });

  it('has the shipped models with the digests that their signatures name', () => {
    const models = bill.components.filter(({ type }) => type === 'machine-learning-model');
    expect(models.map(({ name, version }) => `${name}/${version}`)).toContain('adult/1');
    for (const { name, version, hashes } of models) {
      const file = fromHome(`models/${name}/${version}/model.json`);
      const { sha256 } = JSON.parse(readFileSync(file, 'utf8')) as { sha256: string };
      expect(hashes?.[0]?.content).toBe(sha256);
    }
  });

  it('is the same each time, whatever the folder is called', async () => {
    expect(await readBill()).toEqual(bill);
    expect(bill.metadata.component).toMatchObject({ name: 'servemodel', type: 'application' });
    expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it('has licences that are accepted, and docs/licences.md lists them', () => {
    const packages = packagesOf(bill);
    for (const part of packages)
      expect(isAccepted(licenceOf(part)), `${part.name}: ${licenceOf(part)}`).toBe(true);
    const page = readFileSync(fromHome('docs/licences.md'), 'utf8');
    const listed = [...page.matchAll(/^\| (\S+) +\| (\d\S*) +\| (.+?) +\|$/gm)].map(
      ([, name, version, licence]) => `${name}@${version}: ${licence}`,
    );
    expect(listed.toSorted()).toEqual(
      packages.map((part) => `${part.name}@${part.version}: ${licenceOf(part)}`).toSorted(),
    );
  });
});
