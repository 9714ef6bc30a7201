import type { Json } from './json.ts';

/** An operation of the document. */
export interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  /** The route that answers it, as the app defines it. */
  readonly route: string;
  /** Its path in the document: the route with its parameters filled in, or in braces. */
  readonly path: string;
  readonly description: Json;
}

/** The `paths` of the document: only the operations whose routes the app has. */
export function pathsOf(operations: readonly Operation[], hasRoute: (route: string) => boolean): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { method, route, path, description } of operations) {
    if (hasRoute(route)) (paths[path] ??= {})[method] = description;
  }
  return paths;
}
