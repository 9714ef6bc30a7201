import { createHash } from 'node:crypto';

/** A part of the product, as CycloneDX 1.5 describes it: https://cyclonedx.org/docs/1.5/json/ */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: 'application' | 'library' | 'machine-learning-model';
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly (
    { readonly license: { readonly id?: string; readonly name?: string } } | { readonly expression: string }
  )[];
  readonly [member: string]: unknown;
}

/** A bill of materials, as `npm sbom` writes it. */
export interface Bill {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: string;
  serialNumber?: string;
  readonly metadata: { readonly component: Component; readonly [member: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [member: string]: unknown;
}

/** A model that is shipped. */
export interface ShippedModel {
  /** `<name>/<version>` */
  readonly id: string;
  readonly sha256: string;
  readonly description?: string | undefined;
}

const modelComponent = ({ id, sha256, description }: ShippedModel): Component => {
  const [name = '', version = ''] = id.split('/');
  return {
    'bom-ref': `model:${id}`,
    type: 'machine-learning-model',
    name,
    version,
    ...(description === undefined ? {} : { description }),
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  };
};

/** A UUID (RFC 9562, version 8) that says what the text says: the same text, the same id. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * npm's bill with the models in it, without what isn't shipped, and without what differs from one run to the next: a time, a
 * random number.
 *
 * @param shipped the packages of the image, as `name@version`
 */
export function completeBill(
  npm: Bill,
  name: string,
  shipped: ReadonlySet<string>,
  models: readonly ShippedModel[],
): Bill {
  const own = npm.metadata.component['bom-ref'];
  const packages = npm.components.filter((part) => shipped.has(`${part.name}@${part.version}`));
  const refs = new Set([own, ...packages.map((part) => part['bom-ref'])]);
  const dependencies = npm.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  const bill: Bill = {
    ...npm,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: { ...npm.metadata.component, type: 'application', name },
    },
    components: [...packages, ...models.map(modelComponent)],
    dependencies,
  };
  delete bill.serialNumber;
  return { ...bill, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(bill))}` };
}

/** The SPDX name of a part's licence; empty if it names none. */
export const licenceOf = ({ licenses = [] }: Component): string =>
  licenses
    .map((entry) =>
      'expression' in entry ? entry.expression : (entry.license.id ?? entry.license.name ?? ''),
    )
    .join(' AND ');
