import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import { onBeat } from '../platform/beat.ts';

/** Interval of the samples. A sampler wakes its process this often, which costs an idle one more than all its work. */
const SAMPLE_MS = 10;

/** The event loop of a process that works for a larger share of the time is sampled. The sampler itself takes about 1 %. */
const BUSY_SHARE = 0.1;

/** Idle beats after which sampling pauses. */
const IDLE_BEATS = 3;

type Merge = 'average' | 'max';

/** Seconds of lag: how late a timer's turn came. 0 where the event loop has been idle. */
interface Lag {
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const FAMILIES: readonly (readonly [figure: keyof Lag, help: string, merge: Merge])[] = [
  ['max', 'Largest lag of the event loop.', 'max'],
  ['mean', 'Mean lag of the event loop.', 'average'],
  ['stddev', "Standard deviation of the event loop's lag.", 'average'],
  ['p50', "Median of the event loop's lag.", 'average'],
  ['p90', "90th percentile of the event loop's lag.", 'max'],
  ['p99', "99th percentile of the event loop's lag.", 'max'],
];

/** Measures the lag of this thread's event loop, and samples it only while it has work. */
export interface LagMeter {
  readonly sampling: boolean;
  /** The figures since the last call. */
  take(): Lag;
  /** Looks whether the event loop is busy. @param lateMs by how much this call is late */
  look(lateMs: number): void;
}

/** @param utilization the share of the time since its last call in which this process worked */
export function createLagMeter(utilization: () => number): LagMeter {
  const samples = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  let sampling = false;
  let idleBeats = 0;
  /** The lag of beats while nothing was sampled: a single long turn is seen by it alone. */
  let latestMs = 0;
  const seconds = (nanoseconds: number): number =>
    samples.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - SAMPLE_MS / 1000);
  return {
    get sampling() {
      return sampling;
    },
    take: () => {
      const lag: Lag = {
        max: Math.max(seconds(samples.max), latestMs / 1000),
        mean: seconds(samples.mean),
        stddev: samples.count === 0 ? 0 : samples.stddev / 1e9,
        p50: seconds(samples.percentile(50)),
        p90: seconds(samples.percentile(90)),
        p99: seconds(samples.percentile(99)),
      };
      samples.reset();
      latestMs = 0;
      return lag;
    },
    look: (lateMs) => {
      const busy = utilization() > BUSY_SHARE;
      latestMs = Math.max(latestMs, lateMs);
      idleBeats = busy ? 0 : idleBeats + 1;
      if (busy && !sampling) {
        // It would take the pause for a lag.
        samples.reset();
        samples.enable();
        sampling = true;
      } else if (sampling && idleBeats >= IDLE_BEATS) {
        samples.disable();
        sampling = false;
      }
    },
  };
}

/**
 * The CPU time since the last call, of all threads, as a share of the time. The event loop's own utilization counts turns
 * in which it has no processor, so it would have idle processes of a busy machine sampled.
 */
function createUtilization(): () => number {
  let cpu = process.cpuUsage();
  let time = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const now = performance.now();
    const share = (user + system) / 1000 / (now - time);
    cpu = process.cpuUsage();
    time = now;
    return share;
  };
}

/** Registers `nodejs_eventloop_lag_*`. */
export function registerEventLoopLag(registry: Registry, role: string): void {
  const meter = createLagMeter(createUtilization());
  onBeat(meter.look);
  const gauges = FAMILIES.map(([figure, help, aggregator], at) => {
    const gauge: Gauge<'role'> = new Gauge({
      name: `nodejs_eventloop_lag_${figure}_seconds`,
      help,
      labelNames: ['role'],
      aggregator,
      registers: [registry],
      // The first one reads all, since reading begins a new period.
      ...(at === 0 ? { collect: () => setAll() } : {}),
    });
    return [figure, gauge] as const;
  });
  const setAll = (): void => {
    const lag = meter.take();
    for (const [figure, gauge] of gauges) gauge.set({ role }, lag[figure]);
  };
}
