import { Problem } from '../../errors/problem.ts';
import type { OrderModels } from '../../rollout/messages.ts';
import { readText } from '../body.ts';
import type { AppContext } from '../context.ts';
import { header } from '../header.ts';
import { isUtf8, parseMediaType } from '../mediaTypes.ts';
import { refuseParameters } from '../parameters.ts';

/** Bytes of the largest body: an order is short. */
const MAX_BODY_BYTES = 64 * 1024;

/** The routes by which clients load and unload models in V2. */
export const ORDER_ROUTES = {
  load: '/v2/repository/models/:model/load',
  unload: '/v2/repository/models/:model/unload',
} as const;

/** A request there takes as long as a load does, which says nothing of the server's own. */
export const isOrderRoute = (route: string): boolean =>
  route === '/models' ||
  route === ORDER_ROUTES.load ||
  route === ORDER_ROUTES.unload ||
  /RepositoryModel(?:Load|Unload)$/.test(route);

export interface OrderDeps {
  /** Undefined unless clients of this port may load and unload models. */
  readonly orderModels: OrderModels | undefined;
}

/** @throws {Problem} unless the body is declared as JSON, or has no type: browsers send forms without asking */
function requireJson(c: AppContext): void {
  const text = header(c, 'content-type');
  if (text === undefined) return;
  const { type, parameters } = parseMediaType(text);
  const isPlain = [...parameters].every(([name, value]) => name === 'charset' && isUtf8(value));
  if (type !== 'application/json' || !isPlain)
    throw new Problem('unsupported_media_type', {
      detail: 'Send the body with "content-type: application/json", in UTF-8, or none.',
    });
}

/**
 * Returns the function that carries out orders, for a request that may give one.
 *
 * @throws {Problem} unsupported_media_type or model_control_off
 */
export function requireOrders(c: AppContext, deps: OrderDeps): OrderModels {
  requireJson(c);
  return requireOrderer(c, deps);
}

/** The same whatever the body's type. @throws {Problem} model_control_off */
export function requireOrderer(c: AppContext, { orderModels }: OrderDeps): OrderModels {
  if (!orderModels) throw new Problem('model_control_off');
  // A page of any origin can send a request without a body and a type.
  if (header(c, 'origin') !== undefined || header(c, 'sec-fetch-site') !== undefined)
    throw new Problem('model_control_off', { detail: 'Pages in browsers may not load and unload models.' });
  return orderModels;
}

/** Reads the body of an order. @throws {Problem} invalid_parameter, body_too_large, … */
export async function readOrderText(c: AppContext): Promise<string> {
  refuseParameters(c);
  return readText(c, MAX_BODY_BYTES);
}
