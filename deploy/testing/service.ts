import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What compose.yaml starts a service with, and asks whether it is well. */
export interface Service {
  readonly command: readonly string[];
  /** A name without a value is passed on as it is set where Compose runs. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly healthcheck: { readonly test: readonly string[] };
}

const COMPOSE = new URL('../../compose.yaml', import.meta.url);

export const readService = (name: string): Service =>
  (parse(readFileSync(COMPOSE, 'utf8')) as { services: Record<string, Service> }).services[name] as Service;
