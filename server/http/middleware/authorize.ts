import type { Registry } from 'prom-client';
import { Problem } from '../../errors/problem.ts';
import type { Count } from '../../metrics/families.ts';
import { createCounter } from '../../metrics/families.ts';
import type { AppContext } from '../context.ts';
import { header } from '../header.ts';
import type { Gate } from '../../access/gate.ts';

/** Refuses a request to a route, or lets it pass. @throws {Problem} unauthorized */
export type Admit = (c: AppContext, route: string) => void;

/**
 * What needs no key: health, which orchestrators ask, and the pages, which hold nothing but code and ask their user for
 * a key. Whatever isn't listed needs one.
 */
const OPEN_ROUTES: readonly string[] = [
  '/',
  '/apidocs',
  '/assets/:digest/:folder/:file',
  '/health/live',
  '/health/ready',
  '/health',
  '/ping',
  '/v2/health/live',
  '/v2/health/ready',
];

/** @param healthRoute one more path of the health check, or none */
export function createAdmission(gate: Gate, registry: Registry, healthRoute: string | undefined): Admit {
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
  return (c, route) => {
    // A browser asks without a key whether it may send one, and nothing else is answered to OPTIONS.
    if (open.has(route) || c.req.method === 'OPTIONS') return;
    const client = gate.clientOf((name) => header(c, name));
    if (client === undefined)
      throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer realm="servemodel"' } });
    countOf(client).add(1);
  };
}
