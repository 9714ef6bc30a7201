import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from '../../server/testing/freePort.ts';
import { RULES } from './alerts.ts';
import type { Running } from './programs.ts';
import { answers, startProgram } from './programs.ts';
import { readService } from './service.ts';

const CONFIG = new URL('../prometheus/prometheus.yml', import.meta.url);

interface Config {
  readonly global: Readonly<Record<string, string>>;
  readonly alerting: {
    readonly alertmanagers: readonly { readonly static_configs: readonly { targets: string[] }[] }[];
  };
  readonly scrape_configs: readonly { readonly static_configs: readonly { targets: string[] }[] }[];
}

/** A series with its last value. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** The state of a rule in Prometheus. */
export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: string;
}

export interface Prometheus extends Running {
  readonly address: string;
  /** An instant query. Throws if it is invalid. */
  query(expr: string): Promise<readonly Sample[]>;
  rules(): Promise<readonly RuleState[]>;
}

/**
 * Starts Prometheus as compose.yaml does, with the shipped rules and configuration, except for other targets and short
 * intervals.
 */
export async function startPrometheus(
  home: string,
  targets: { readonly server: string; readonly alertmanager: string },
): Promise<Prometheus> {
  const config = parse(readFileSync(CONFIG, 'utf8')) as Config;
  const [job] = config.scrape_configs;
  const [alertmanagers] = config.alerting.alertmanagers;
  if (!job?.static_configs[0] || !alertmanagers?.static_configs[0])
    throw new Error('another form of configuration');
  job.static_configs[0].targets = [targets.server];
  alertmanagers.static_configs[0].targets = [targets.alertmanager];
  const folder = join(home, 'prometheus');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'prometheus.yml'),
    stringify({
      ...config,
      global: { ...config.global, scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [fileURLToPath(RULES)],
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const flags = readService('prometheus').command.map((flag) =>
    flag.replace('=/etc/prometheus/', '=').replace('=/prometheus', '=data'),
  );
  const running = await startProgram('prometheus', [...flags, `--web.listen-address=${address}`], {
    cwd: folder,
    ready: () => answers(`${url}/-/ready`),
  });
  const ask = async (path: string, body?: URLSearchParams): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, body ? { method: 'POST', body } : {});
    const answer = (await response.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== 'success') throw new Error(`${body?.get('query') ?? path}: ${answer.error ?? ''}`);
    return answer.data;
  };
  return {
    ...running,
    address,
    query: async (query) => {
      const { result } = (await ask('/api/v1/query', new URLSearchParams({ query }))) as { result: Sample[] };
      return result;
    },
    rules: async () => {
      const { groups } = (await ask('/api/v1/rules')) as { groups: { rules: RuleState[] }[] };
      return groups.flatMap(({ rules }) => rules);
    },
  };
}
