import type { Row } from '../layout.ts';
import { timeSeries, worseAbove } from '../panel.ts';
import { MODEL, PREDICTIONS, SERVER, distribution } from '../queries.ts';

/** Buckets begin at 50 µs: anything faster shows as less than that. */
export const latency: Row = {
  title: 'Latency',
  panels: [
    timeSeries({
      title: 'Whole request',
      description:
        'From the parsed head of a POST request to its answer, in the server process; all models, whole files apart.',
      unit: 's',
      width: 12,
      steps: worseAbove(0.1, 0.25),
      queries: distribution('http_request_duration_seconds', PREDICTIONS),
    }),
    timeSeries({
      title: 'Parse',
      description: 'Reading, checking and encoding the rows of a request.',
      unit: 's',
      width: 12,
      queries: distribution('request_parse_seconds', MODEL),
    }),
    timeSeries({
      title: 'Queue',
      description:
        'Time that a request waited for a thread. It grows first when the server has too much to do.',
      unit: 's',
      width: 12,
      queries: distribution('inference_queue_seconds', MODEL),
    }),
    timeSeries({
      title: 'Run',
      description: 'Time that a batch was worked on.',
      unit: 's',
      width: 12,
      queries: distribution('inference_duration_seconds', MODEL),
    }),
    timeSeries({
      title: 'Size of requests',
      description: 'Bytes of a request body: large ones are slow ones.',
      unit: 'bytes',
      width: 24,
      queries: distribution('http_request_body_bytes', SERVER),
    }),
  ],
};
