import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import type { Bill } from './bill.ts';
import { licenceOf } from './bill.ts';
import { buildsOf, isAccepted, packagesOf } from './licences.ts';
import { readBill, readPlatform, readShipped, readWithoutText } from './read.ts';
import { faultsOf } from './testing/schema.ts';

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

  it('is what the schema of CycloneDX says', () => {
    const text = JSON.stringify(bill);
    expect(faultsOf(text)).toEqual([]);
    // As npm writes some.
    const wrong = text.replace('git+ssh://git@github.com/siimon', 'git@github.com:siimon');
    expect(faultsOf(wrong)).toContainEqual(expect.stringContaining('must match format "iri-reference"'));
    expect(faultsOf(text.replace('machine-learning-model', 'machine'))).not.toEqual([]);
  });

  it('has addresses that can be followed, and none of its own in npm’s registry', () => {
    const urls = bill.components.flatMap((part) => part.externalReferences ?? []).map(({ url }) => url);
    expect(urls).toContain('git+ssh://git@github.com/siimon/prom-client.git');
    expect(urls).toContain('git+https://github.com/egoist/joycon.git');
    for (const url of urls) expect(URL.canParse(url), url).toBe(true);
    expect(JSON.parse(JSON.stringify(bill.metadata.component))).not.toHaveProperty('purl');
  });

  it('says of every part what it depends on: the product on its models and on what they run on', () => {
    const refs = bill.components.map((part) => part['bom-ref']);
    const root = bill.metadata.component['bom-ref'];
    const needs = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    expect([...needs.keys()].toSorted()).toEqual([root, ...refs].toSorted());
    expect(needs.get('model:adult/1')).toEqual([]);
    // Nothing is there that nothing needs.
    const reached = new Set<string>();
    const reach = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      for (const other of needs.get(ref) ?? []) reach(other);
    };
    reach(root);
    expect(refs.filter((ref) => !reached.has(ref))).toEqual([]);
  });

  it('names the base image and what Debian adds, without versions that it cannot know', () => {
    const { image, debian } = readPlatform();
    expect(debian).toEqual(['nginx-light']);
    expect(image).toMatch(/^node:\d+-[a-z]+-slim$/);
    const named = bill.components.filter((part) => /^(?:image|debian):/.test(part['bom-ref']));
    expect(named.map(({ type, name, version }) => [type, name, version])).toEqual([
      ['container', 'node', image.slice('node:'.length)],
      ['application', 'nginx-light', undefined],
    ]);
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

  it('has licences whose texts lie in the packages, but for those that docs/licences.md names', () => {
    const withoutText = readWithoutText();
    const bare = packagesOf(bill).filter(({ name, version }) => withoutText.has(`${name}@${version}`));
    const page = readFileSync(fromHome('docs/licences.md'), 'utf8');
    expect([...page.matchAll(/^- (.+)$/gm)].map(([, line]) => line)).toEqual(
      bare.map((part) => `${part.name}: ${licenceOf(part)}`).toSorted(),
    );
    for (const [build, name] of buildsOf(bill)) {
      const whole = packagesOf(bill).find((part) => part.name === name);
      expect(whole && licenceOf(whole), build.name).toBe(licenceOf(build));
      expect(bare, name).not.toContain(whole);
    }
  });
});
