import type { Bill, Component } from './bill.ts';
import { licenceOf } from './bill.ts';

/** Licences that ask for no more than their own text beside the code. */
const ACCEPTED: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
];

/** Whether an SPDX expression names nothing but these: where there is a choice, each of them has to do. */
export const isAccepted = (licence: string): boolean =>
  licence
    .replaceAll(/[()]/g, '')
    .split(/ (?:AND|OR) /)
    .every((name) => ACCEPTED.includes(name));

const PLATFORM = /-(?:linux|darwin|win32|android)-.*$/;

/** The npm packages, without builds for one platform: the page is the same everywhere. */
export const packagesOf = ({ components }: Bill): Component[] =>
  components.filter(({ type, name }) => type === 'library' && !PLATFORM.test(name));

/** The builds for one platform, each with the name of its package. */
export const buildsOf = ({ components }: Bill): (readonly [Component, string])[] =>
  components
    .filter(({ type, name }) => type === 'library' && PLATFORM.test(name))
    .map((part) => [part, part.name.replace(PLATFORM, '')]);

/**
 * The page docs/licences.md.
 *
 * @param withoutText `name@version` of the packages without a text of their licence
 */
export function describeLicences(bill: Bill, withoutText: ReadonlySet<string>): string {
  const bare = packagesOf(bill)
    .filter(({ name, version }) => withoutText.has(`${name}@${version}`))
    .map((part) => `- ${part.name}: ${licenceOf(part)}`)
    .toSorted();
  const lines = packagesOf(bill)
    .map((part) => `| ${part.name} | ${part.version} | ${licenceOf(part)} |`)
    .toSorted((a, b) => (a < b ? -1 : 1));
  return `# Licences

The server is Apache-2.0. These npm packages are in its image, from package-lock.json. Written by
\`npm run sbom -- --licences\`; a test holds it to the lock file, and the licences to those that are accepted. Debian's packages in
the image have theirs in \`/usr/share/doc/*/copyright\`; Node.js is MIT, nginx BSD-2-Clause. The data of the shipped models:
their CARD.md.

Each package brings the text of its licence, but for these. They name it only, so its standard text applies, which
<https://spdx.org/licenses/> has under that name:

${bare.join('\n')}

Builds of a package for one platform aren't listed. They have the licence of their package, which brings its text.

| Package | Version | Licence |
| --- | --- | --- |
${lines.join('\n')}
`;
}
