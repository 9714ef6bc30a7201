import { ERRORS } from '../../errors/problem.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import type { Asset } from '../../web/assets.ts';
import { etagOf } from '../../web/assets.ts';
import { REVALIDATE, answerCached } from '../cached.ts';
import type { Methods } from '../router.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';

/** The models of a document: it is valid while the catalogue has these models in this order. */
const identityOf = ({ defaultModel, models, find }: Catalogue): readonly (Model | undefined)[] => [
  defaultModel,
  ...models.flatMap((model) => [model, find(model.name)]),
];

export interface OpenApiDeps {
  readonly catalogue: Catalogue;
  /** Of this software. */
  readonly version: string;
  readonly hasRoute: (route: string) => boolean;
}

/** `GET /openapi.json`: made at its first use, and again after a change of models. Its code, too, is loaded only then. */
export function openApiRoute({ catalogue, version, hasRoute }: OpenApiDeps): Methods {
  let made: { readonly of: readonly (Model | undefined)[]; readonly document: Asset } | undefined;

  const document = async (): Promise<Asset> => {
    const { describeApi } = await import('../../openapi/document.ts');
    const identity = identityOf(catalogue);
    const current =
      made?.of.length === identity.length && made.of.every((model, index) => model === identity[index]);
    if (!made || !current) {
      const body = JSON.stringify(describeApi({ catalogue, errors: ERRORS, version, hasRoute }));
      made = { of: identity, document: { type: 'application/json', body, etag: etagOf(body) } };
    }
    return made.document;
  };
  return {
    GET: async (c) => {
      requireJsonAnswer(c);
      return answerCached(c, await document(), REVALIDATE);
    },
  };
}
