import type { AppContext } from './context.ts';

/**
 * A request header by its lower-case name, as Node has parsed it. Hono's lookup through the Request checks name and value
 * again each time, which for a single row costs more than the prediction.
 */
export function header(c: AppContext, name: string): string | undefined {
  const { incoming } = c.env;
  if (!incoming) return c.req.header(name);
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
