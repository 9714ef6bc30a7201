import type { Model } from '../model/model.ts';
import type { AppContext } from './context.ts';

/** Remembers what a request is about: from here on its answer names the version, whether it succeeds or not. */
export function about(c: AppContext, model: Model): Model {
  c.set('model', model);
  return model;
}

/** What every answer says of itself, a page and an error too. */
export function ownHeaders(c: AppContext): Record<string, string> {
  const model = c.get('model');
  const requestId = c.get('request').id;
  return model ? { 'x-request-id': requestId, 'x-model': model.id } : { 'x-request-id': requestId };
}
