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

/** The npm packages, without builds for one platform, which have their package's licence: the page is the same everywhere. */
export const packagesOf = ({ components }: Bill): Component[] =>
  components.filter(({ type, name }) => type === 'library' && !/-(?:linux|darwin|win32|android)-/.test(name));

/** The page docs/licences.md. */
export function describeLicences(bill: Bill): string {
  const lines = packagesOf(bill)
    .map((part) => `| ${part.name} | ${part.version} | ${licenceOf(part)} |`)
    .toSorted((a, b) => (a < b ? -1 : 1));
  return `# Licences

The server is Apache-2.0. These npm packages are in its image, from package-lock.json; each brings the text of its licence.
Written by \`./scripts/sbom --licences\`; a test holds it to the lock file, and the licences to those that are accepted. Debian's
packages in the image have theirs in \`/usr/share/doc/*/copyright\`; Node.js is MIT, nginx BSD-2-Clause. The data of the shipped
models: their CARD.md.

| Package | Version | Licence |
| --- | --- | --- |
${lines.join('\n')}
`;
}
