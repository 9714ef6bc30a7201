import type { AppContext } from './context.ts';

/**
 * A request header by its lower-case name. Read where Node has parsed it already: looking one up through the Request
 * checks the name and the value anew each time, which for a single row costs more than its prediction.
 */
export function header(c: AppContext, name: string): string | undefined {
  const { incoming } = c.env;
  if (!incoming) return c.req.header(name);
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
