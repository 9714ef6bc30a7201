import type { Schema } from './schema.ts';
import { strictly } from './schema.ts';

/** A kind of object and the schema of its manifests. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema;
}

const noReference = (ref: string): never => {
  throw new Error(`a reference to ${ref}`);
};

/** The schema holds for this kind only. */
function kindOf(group: string, version: string, kind: string, schema: Schema): Kind {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const properties = {
    ...(schema['properties'] as Schema),
    apiVersion: { type: 'string', enum: [apiVersion] },
    kind: { type: 'string', enum: [kind] },
  };
  const required = [
    ...new Set(['apiVersion', 'kind', 'metadata', ...((schema['required'] ?? []) as string[])]),
  ];
  return { group, version, kind, schema: { ...schema, type: 'object', properties, required } };
}

/** Kinds of Kubernetes' own OpenAPI 2 document. */
export function kindsOfSwagger(document: Schema, names: readonly string[]): Kind[] {
  const definitions = document['definitions'] as Readonly<Record<string, Schema>>;
  const find = (ref: string): Schema => {
    const name = ref.replace('#/definitions/', '');
    // Manifests write quantities as numbers, too: `cpu: 2`.
    if (name === 'io.k8s.apimachinery.pkg.api.resource.Quantity') return { type: ['string', 'number'] };
    return definitions[name] ?? noReference(ref);
  };
  return names.map((name) => {
    const definition = find(name);
    const [is] = definition['x-kubernetes-group-version-kind'] as [
      { group: string; version: string; kind: string },
    ];
    return kindOf(is.group, is.version, is.kind, strictly({ type: 'object', ...definition }, find));
  });
}

/** The kind that a CustomResourceDefinition adds, in the version that is stored. */
export function kindOfDefinition(definition: Schema): Kind {
  const { group, names, versions } = definition['spec'] as {
    group: string;
    names: { kind: string };
    versions: { name: string; storage: boolean; schema: { openAPIV3Schema: Schema } }[];
  };
  const stored = versions.find(({ storage }) => storage);
  if (!stored) throw new Error(`${names.kind} has no stored version`);
  return kindOf(group, stored.name, names.kind, strictly(stored.schema.openAPIV3Schema, noReference));
}
