import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { fromHome } from '../../../../server/platform/install.ts';

const read = (name: string): object =>
  JSON.parse(
    readFileSync(
      fromHome(`node_modules/@cyclonedx/cyclonedx-library/res/schema/${name}.SNAPSHOT.schema.json`),
      'utf8',
    ),
  ) as object;

/**
 * RFC 3986, 4.1: what has a colon before the first slash begins with a scheme. For ASCII only, which is what there is in what
 * npm writes.
 */
const isReference = (text: string): boolean =>
  /^(?:[a-z][a-z\d+.-]*:|[^:/?#]*(?:[/?#]|$))/i.test(text) &&
  /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[\da-f]{2})*$/i.test(text);

/** The schema of CycloneDX 1.5 as its makers publish it, with those that it refers to. */
function compile() {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats.default(ajv);
  ajv.addFormat('iri-reference', isReference);
  ajv.addFormat('idn-email', addFormats.default.get('email'));
  for (const name of ['spdx', 'jsf-0.82'])
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.compile(read('bom-1.5'));
}

let validate: ReturnType<typeof compile> | undefined;

/** What is wrong with a bill of materials (JSON), a line each. */
export function faultsOf(bill: string): string[] {
  validate ??= compile();
  validate(JSON.parse(bill));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
