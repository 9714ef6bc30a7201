import type { Options } from 'autocannon';
import autocannon from 'autocannon';
import type { Connection, Ending, Exchange } from './connection.ts';
import { steer } from './connection.ts';
import { createMetronome } from './metronome.ts';
import type { LoadRequest } from './requests.ts';
import type { Schedule } from './schedule.ts';
import { closedLoop, openLoop } from './schedule.ts';
import type { Settings } from './settings.ts';

/** What the engine reports while it runs. Times are `performance.now()` in milliseconds. */
export interface EngineEvents {
  started(nowMs: number): void;
  ended(exchange: Exchange, ending: Ending, nowMs: number): void;
  /** Waited for a connection for longer than the timeout, and was never sent. */
  unsent(dueMs: number, nowMs: number): void;
  refused(fault: string): void;
  /** How late a request was sent although a connection was free: the generator's own fault, in milliseconds. */
  lag(ms: number): void;
}

/** What was still open when the test was interrupted. */
export interface Remains {
  readonly unfinished: number;
}

type Load = Pick<Settings, 'url' | 'connections' | 'rate' | 'durationSeconds' | 'amount' | 'timeoutSeconds'>;

const CHECK_MS = 20;
/** After an interrupt, answers that are on their way are waited for this long. */
const GRACE_MS = 1000;
/** Never: timeouts are ours. 11 days, since a longer timer fires at once. */
const NEVER_SECONDS = 1_000_000;

/** Sends the requests in turn, as often as the settings say, and waits for the last answer. */
export async function runEngine(
  requests: readonly LoadRequest[],
  load: Load,
  events: EngineEvents,
  interrupt: AbortSignal,
): Promise<Remains> {
  const connections: Connection[] = [];
  const free = new Set<Connection>();
  const timeoutMs = load.timeoutSeconds * 1000;
  let schedule: Schedule | undefined;
  let next = 0;

  const nextRequest = (): LoadRequest => {
    const request = requests[next] as LoadRequest;
    next = (next + 1) % requests.length;
    return request;
  };

  /** Sends what is due, as long as there are free connections, each in its turn. */
  const pump = (wasFree: boolean): void => {
    if (schedule === undefined) return;
    const now = performance.now();
    for (const due of schedule.dropBefore(now - timeoutMs, now)) events.unsent(due, now);
    for (const connection of free) {
      const due = schedule.take(now);
      if (due === undefined) break;
      if (wasFree) events.lag(now - due);
      free.delete(connection);
      connection.send(nextRequest(), due);
    }
  };

  let settled = 0;
  let allTried = (): void => undefined;
  const tried = new Promise<void>((resolve) => (allTried = resolve));
  const settle = (): void => {
    settled += 1;
    if (settled >= load.connections) allTried();
  };

  let stopped = (): void => undefined;
  const stopping = new Promise<void>((resolve) => (stopped = resolve));
  const options: Options = {
    url: load.url.href,
    method: 'POST',
    connections: load.connections,
    duration: NEVER_SECONDS,
    timeout: NEVER_SECONDS,
    sampleInt: CHECK_MS,
    setupClient: (client) => {
      connections.push(
        steer(client, {
          ready(connection) {
            if (schedule === undefined) settle();
            free.add(connection);
            pump(false);
          },
          lost: (connection) => void free.delete(connection),
          ended: (exchange, ending) => events.ended(exchange, ending, performance.now()),
          refused(fault) {
            if (schedule === undefined) settle();
            events.refused(fault);
          },
        }),
      );
    },
  };
  const instance = autocannon(options, () => stopped());

  const inFlight = (): number => connections.filter(({ exchange }) => exchange !== undefined).length;

  const expire = (): void => {
    const limit = performance.now() - timeoutMs;
    for (const connection of connections) {
      if (connection.exchange && connection.exchange.sentMs < limit) connection.abandon('timeout');
    }
  };

  // The first requests must not be charged for a thread that starts and connections that open.
  const metronome =
    load.rate === undefined ? undefined : await createMetronome(1000 / load.rate, () => pump(true));
  await Promise.race([tried, aborted(interrupt), elapsed(timeoutMs)]);
  const startMs = performance.now();
  const limits = { startMs, durationMs: load.durationSeconds * 1000, amount: load.amount };
  const plan = load.rate === undefined ? closedLoop(limits) : openLoop(limits, load.rate);
  schedule = plan;
  events.started(startMs);
  metronome?.start(startMs);
  pump(true);

  const finished = await new Promise<boolean>((resolve) => {
    let graceEndMs = Infinity;
    const check = setInterval(() => {
      expire();
      pump(true);
      const now = performance.now();
      if (interrupt.aborted && graceEndMs === Infinity) {
        plan.end(now);
        graceEndMs = now + GRACE_MS;
      }
      const complete = plan.exhausted(now) && inFlight() === 0;
      if (!complete && now < graceEndMs) return;
      clearInterval(check);
      resolve(complete);
    }, CHECK_MS);
  });
  const remains = { unfinished: finished ? 0 : inFlight() + plan.waiting(performance.now()) };
  metronome?.stop();
  schedule = undefined;
  for (const connection of connections) connection.close();
  instance.stop();
  await stopping;
  return remains;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
