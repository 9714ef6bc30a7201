/** The paths of built-in routes: no other route may be at one of these or below it. A test holds the list to the app. */
const BUILT_IN = [
  '/apidocs',
  '/assets',
  '/explain',
  '/health',
  '/invocations',
  '/metrics',
  '/models',
  '/openapi.json',
  '/ping',
  '/predict',
  '/predict_file',
  '/stats',
  '/v1/models',
  '/v2',
  '/version',
];

/** Built-in routes that fulfil Vertex AI's contract for a health route. */
const HEALTH = new Set([
  '/health',
  '/health/live',
  '/health/ready',
  '/ping',
  '/v2/health/live',
  '/v2/health/ready',
]);

/** V1's built-in route, whose bodies are those of Vertex AI. */
const PREDICT = /^\/v1\/models\/[A-Za-z0-9._-]+(\/versions\/\d+)?:predict$/;

/** No part is empty or begins with a character that is special to the router. */
const PATH = /^(\/[A-Za-z0-9._~-][A-Za-z0-9._~:-]*)+$/;

const isFree = (path: string): boolean =>
  PATH.test(path) &&
  !BUILT_IN.some((route) => path === route || path.startsWith(`${route}/`) || path.startsWith(`${route}:`));

export const isBuiltInHealthPath = (path: string): boolean => HEALTH.has(path);
export const isBuiltInPredictPath = (path: string): boolean => PREDICT.test(path);

export const isHealthPath = (path: string): boolean => isFree(path) || isBuiltInHealthPath(path);
export const isExplainPath = isFree;
export const isPredictPath = (path: string): boolean => isFree(path) || isBuiltInPredictPath(path);
