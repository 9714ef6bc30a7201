import type { Registry } from 'prom-client';
import { Problem } from '../../errors/problem.ts';
import type { Count } from '../../metrics/families.ts';
import { createCounter } from '../../metrics/families.ts';
import type { Gate, ReadHeader } from '../../access/gate.ts';

/** Checks the key of a request to a route. @throws {Problem} unauthorized */
export type Authorize = (method: string, route: string, header: ReadHeader) => void;

/**
 * The routes that need no key: health checks for orchestrators, and the pages, which hold only code and ask their user
 * for a key.
 */
export const OPEN_ROUTES: readonly string[] = [
  '/',
  '/apidocs',
  '/assets/:digest/:folder/:file',
  '/health/live',
  '/health/ready',
  '/health',
  '/ping',
  '/v2/health/live',
  '/v2/health/ready',
  '/grpc.health.v1.Health/Check',
  '/inference.GRPCInferenceService/ServerLive',
  '/inference.GRPCInferenceService/ServerReady',
];

/** @param healthRoute one more path of the health check, or none */
export function createAuthorizer(gate: Gate, registry: Registry, healthRoute: string | undefined): Authorize {
  const open = new Set([...OPEN_ROUTES, ...(healthRoute === undefined ? [] : [healthRoute])]);
  const requests = createCounter(registry, {
    name: 'api_key_requests_total',
    help: 'Requests that were let in, by the client of their key.',
  });
  const counts = new Map<string, Count>();
  const countOf = (client: string): Count => {
    const count = counts.get(client) ?? requests({ client });
    counts.set(client, count);
    return count;
  };
  return (method, route, header) => {
    // A browser sends no key with a preflight, and no other OPTIONS is answered.
    if (open.has(route) || method === 'OPTIONS') return;
    const client = gate.clientOf(header);
    if (client === undefined)
      throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer realm="servemodel"' } });
    countOf(client).add(1);
  };
}
