import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** Command, environment and health check of a service in compose.yaml. */
export interface Service {
  readonly command: readonly string[];
  /** A name without a value is passed on from the environment of Compose. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly healthcheck: { readonly test: readonly string[] };
}

const COMPOSE = new URL('../../compose.yaml', import.meta.url);

export const readService = (name: string): Service =>
  (parse(readFileSync(COMPOSE, 'utf8')) as { services: Record<string, Service> }).services[name] as Service;
