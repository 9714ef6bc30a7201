import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Case } from '../../../server/testing/load.ts';

const EVERY_MS = 50;
const ANSWER_MS = 20_000;

/** A client that sends a lone row at a steady pace beside the load. */
export interface Probe {
  /** Milliseconds that its requests took since the last call, sorted. */
  take(): number[];
  stop(): Promise<void>;
}

const ask = (agent: Agent, port: number, body: string): Promise<void> =>
  new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/predict', headers });
    sent.setTimeout(ANSWER_MS, () => sent.destroy());
    // The load checks answers; the probe measures time alone.
    sent.on('error', () => resolve());
    sent.on('response', (response) => response.resume().on('close', () => resolve()));
    sent.end(body);
  });

export function startProbe(port: number, { body }: Case): Probe {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let times: number[] = [];
  let stopped = false;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const start = performance.now();
      await ask(agent, port, body);
      times.push(performance.now() - start);
      await delay(EVERY_MS);
    }
  };
  const ended = loop();
  return {
    take: () => {
      const taken = times.sort((a, b) => a - b);
      times = [];
      return taken;
    },
    stop: async () => {
      stopped = true;
      await ended;
      agent.destroy();
    },
  };
}
