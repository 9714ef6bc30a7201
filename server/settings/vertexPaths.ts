/**
 * Where the server's own routes are: no other may stand at one of these paths or below it. A test holds the list to
 * the app.
 */
const OWN = [
  '/apidocs',
  '/assets',
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

/** Own routes that answer what Vertex AI asks of a health route. */
const HEALTH = new Set([
  '/health',
  '/health/live',
  '/health/ready',
  '/ping',
  '/v2/health/live',
  '/v2/health/ready',
]);

/** V1's own route, whose bodies are Vertex AI's. */
const PREDICT = /^\/v1\/models\/[A-Za-z0-9._-]+(\/versions\/\d+)?:predict$/;

/** No part is empty or begins with what a router reads as more than itself. */
const PATH = /^(\/[A-Za-z0-9._~-][A-Za-z0-9._~:-]*)+$/;

const isFree = (path: string): boolean =>
  PATH.test(path) &&
  !OWN.some((own) => path === own || path.startsWith(`${own}/`) || path.startsWith(`${own}:`));

export const isOwnHealthPath = (path: string): boolean => HEALTH.has(path);
export const isOwnPredictPath = (path: string): boolean => PREDICT.test(path);

export const isHealthPath = (path: string): boolean => isFree(path) || isOwnHealthPath(path);
export const isPredictPath = (path: string): boolean => isFree(path) || isOwnPredictPath(path);
