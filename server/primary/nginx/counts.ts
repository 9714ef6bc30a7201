import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import { createCounter } from '../../metrics/families.ts';

/** nginx answers at once or not at all; a scrape doesn't wait for it. */
const ANSWER_TIMEOUT_MS = 250;

/** They only grow, for as long as an nginx lives. */
const COUNTS = ['accepted', 'handled', 'requests'] as const;

/** What `stub_status` says. Counts since nginx began. */
interface Status {
  readonly active: number;
  readonly accepted: number;
  readonly handled: number;
  readonly requests: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    get({ socketPath, agent: false, signal }, (response) => void text(response).then(resolve, reject)).on(
      'error',
      reject,
    );
  });
}

function parse(answer: string): Status | undefined {
  const numbers = answer.match(/\d+/g)?.map(Number) ?? [];
  const [active, accepted, handled, requests, reading, writing, waiting] = numbers as readonly number[];
  return waiting === undefined
    ? undefined
    : ({ active, accepted, handled, requests, reading, writing, waiting } as Status);
}

/**
 * nginx's own counts, in the primary's registry.
 *
 * @param socketPath where it answers its status
 * @returns reads them anew; never fails
 */
export function createNginxReader(registry: Registry, socketPath: string): () => Promise<void> {
  const registers = [registry];
  const up = new Gauge({ name: 'nginx_up', help: 'Whether nginx reports its counts.', registers });
  const connections = new Gauge({
    name: 'nginx_connections',
    help: "Clients' connections; a waiting one is kept without a request.",
    labelNames: ['state'],
    registers,
  });
  const counter = (name: string, help: string) => createCounter(registry, { name, help })({});
  const counters = {
    accepted: counter('nginx_connections_accepted_total', 'Accepted connections.'),
    handled: counter('nginx_connections_handled_total', 'Connections that nginx had room for.'),
    requests: counter('nginx_http_requests_total', 'Requests, with those that nginx answers itself.'),
  };
  let last: Status | undefined;

  const count = (status: Status): void => {
    // One that began anew begins at zero. It may have had more of one kind by now than the one before.
    const before = last;
    const goesOn = before !== undefined && COUNTS.every((name) => status[name] >= before[name]);
    for (const name of COUNTS) counters[name].add(status[name] - (goesOn ? before[name] : 0));
    last = status;
  };
  return async () => {
    const status = await ask(socketPath).then(parse, () => undefined);
    up.set(status ? 1 : 0);
    connections.reset();
    if (!status) return;
    for (const state of ['active', 'reading', 'writing', 'waiting'] as const)
      connections.set({ state }, status[state]);
    count(status);
  };
}
