import type { Json } from './json.ts';

/** An operation of a path. Its key in `Operations`: method and the app's own route, `POST /models/:model/predict`. */
export interface Operation {
  readonly method: 'get' | 'post';
  /** The route that answers it, as the app defines it. */
  readonly route: string;
  /** Its path in the document: the route with names filled in, or in braces. */
  readonly path: string;
  readonly description: Json;
}

/** The `paths` of a document: of the operations that the app has, since a document must not promise others. */
export function pathsOf(operations: readonly Operation[], hasRoute: (route: string) => boolean): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { method, route, path, description } of operations) {
    if (hasRoute(route)) (paths[path] ??= {})[method] = description;
  }
  return paths;
}
