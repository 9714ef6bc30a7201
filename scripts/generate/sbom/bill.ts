import { createHash } from 'node:crypto';

/** A part of the product, as CycloneDX 1.5 describes it: https://cyclonedx.org/docs/1.5/json/ */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: 'application' | 'container' | 'library' | 'machine-learning-model';
  readonly name: string;
  /** None where only the build knows. */
  readonly version?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly (
    { readonly license: { readonly id?: string; readonly name?: string } } | { readonly expression: string }
  )[];
  readonly externalReferences?: readonly { readonly type: string; readonly url: string }[];
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

/** What the image is built on, of which npm knows nothing. */
export interface Platform {
  /** Such as `node:24-bookworm-slim`. */
  readonly image: string;
  /** Debian's packages that are added to it. */
  readonly debian: readonly string[];
}

const platformComponents = ({ image, debian }: Platform): Component[] => {
  const [name = '', version = ''] = image.split(':');
  const base: Component = {
    'bom-ref': `image:${image}`,
    type: 'container',
    name,
    version,
    description:
      'The base image, with Node.js and its Debian: which versions exactly, the day of the build decides.',
    purl: `pkg:docker/${name}@${version}`,
  };
  const packages = debian.map((part): Component => ({
    'bom-ref': `debian:${part}`,
    type: 'application',
    name: part,
    description:
      'Of the Debian in the base image, as are the packages that it needs: in the version of the day of the build.',
    purl: `pkg:deb/debian/${part}`,
  }));
  return [base, ...packages];
};

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

/** npm takes from package.json what git understands; the format asks for a URL. */
function urlOf(text: string): string {
  const shorthand = /^[\w.-]+\/[\w.-]+$/.test(text);
  if (shorthand) return `git+https://github.com/${text}.git`;
  const [, user = '', host, path] = /^([\w.-]+@)?([\w.-]+\.[\w-]+):(?!\/)(.+)$/.exec(text) ?? [];
  return host === undefined ? text : `git+ssh://${user}${host}/${path}`;
}

const withUrls = (part: Component): Component =>
  part.externalReferences === undefined
    ? part
    : {
        ...part,
        externalReferences: part.externalReferences.map((one) => ({ ...one, url: urlOf(one.url) })),
      };

/** A UUID (RFC 9562, version 8) that says what the text says: the same text, the same id. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * npm's bill with the models and the platform in it, without what isn't shipped, and without what differs from one run to the
 * next: a time, a random number.
 *
 * @param shipped the packages of the image, as `name@version`
 */
export function completeBill(
  npm: Bill,
  name: string,
  shipped: ReadonlySet<string>,
  models: readonly ShippedModel[],
  platform: Platform,
): Bill {
  const own = npm.metadata.component['bom-ref'];
  const packages = npm.components.filter((part) => shipped.has(`${part.name}@${part.version}`)).map(withUrls);
  const others = [...models.map(modelComponent), ...platformComponents(platform)];
  const refs = new Set([own, ...packages.map((part) => part['bom-ref'])]);
  const needed = new Map(npm.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  const dependencies = [...refs].map((ref) => ({
    ref,
    dependsOn: [
      ...(needed.get(ref) ?? []).filter((other) => refs.has(other)),
      ...(ref === own ? others.map((part) => part['bom-ref']) : []),
    ],
  }));
  const bill: Bill = {
    ...npm,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      // Without an address in npm's registry, so it can't be fetched there.
      component: { ...withUrls(npm.metadata.component), type: 'application', name, purl: undefined },
    },
    components: [...packages, ...others],
    dependencies: [...dependencies, ...others.map((part) => ({ ref: part['bom-ref'], dependsOn: [] }))],
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
