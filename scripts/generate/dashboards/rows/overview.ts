import type { Row } from '../layout.ts';
import { stat, timeSeries, worseAbove } from '../panel.ts';
import { MODEL, PREDICTIONS, SERVER, rate } from '../queries.ts';

const REQUESTS = `sum(${rate('http_requests_total', SERVER)})`;
const FAILED = `${SERVER},status=~"5.."`;

export const overview: Row = {
  title: 'Overview',
  panels: [
    stat({
      title: 'Ready',
      description: 'Whether all servers that were chosen answer /health/ready with 200.',
      unit: 'none',
      width: 4,
      words: { '1': { text: 'ready', color: 'green' }, '0': { text: 'not ready', color: 'red' } },
      queries: [{ legend: 'ready', expr: `min(server_ready{${SERVER}})` }],
    }),
    stat({
      title: 'Requests',
      description: 'Answered requests per second, of all routes.',
      unit: 'reqps',
      width: 4,
      queries: [{ legend: 'requests', expr: REQUESTS }],
    }),
    stat({
      title: 'Requests in the last minute',
      description: 'Answered requests of the last minute, of all routes.',
      unit: 'short',
      width: 4,
      queries: [{ legend: 'requests', expr: `sum(increase(http_requests_total{${SERVER}}[1m]))` }],
    }),
    stat({
      title: 'Errors',
      description: 'Share of the requests that were answered 5xx. What nginx answers itself is not in it.',
      unit: 'percentunit',
      width: 4,
      steps: worseAbove(0.001, 0.01),
      queries: [
        {
          legend: 'errors',
          expr: `(sum(${rate('http_requests_total', FAILED)}) or vector(0)) / ${REQUESTS}`,
        },
      ],
    }),
    stat({
      title: 'p99 latency',
      description: '99 of 100 POST requests took no longer, in the server process; whole files apart.',
      unit: 's',
      width: 4,
      steps: worseAbove(0.1, 0.25),
      queries: [
        {
          legend: 'p99',
          expr: `histogram_quantile(0.99, sum by (le) (${rate('http_request_duration_seconds_bucket', PREDICTIONS)}))`,
        },
      ],
    }),
    stat({
      title: 'Firing alerts',
      description: 'Alerts that fire: Alerting in the menu lists them, docs/runbook.md says what to do.',
      unit: 'short',
      width: 4,
      steps: worseAbove(1, 1),
      queries: [{ legend: 'alerts', expr: 'count(ALERTS{alertstate="firing"}) or vector(0)' }],
    }),
    timeSeries({
      title: 'Requests by route',
      description: 'Answered requests per second by the route that took them.',
      unit: 'reqps',
      width: 12,
      stack: 'normal',
      queries: [{ legend: '{{route}}', expr: `sum by (route) (${rate('http_requests_total', SERVER)})` }],
    }),
    timeSeries({
      title: 'Refusals and errors',
      description: 'Answers per second with 4xx, which callers caused, and with 5xx, which the server did.',
      unit: 'reqps',
      width: 12,
      queries: [
        {
          legend: '{{status}}',
          expr: `sum by (status) (${rate('http_requests_total', `${SERVER},status=~"[45].."`)})`,
        },
      ],
    }),
    timeSeries({
      title: 'In flight',
      description: 'Requests that are being answered.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: `sum by (instance) (http_requests_in_flight{${SERVER}})` }],
    }),
    timeSeries({
      title: 'Shed requests',
      description: 'Requests per second that were refused because the server could not take them.',
      unit: 'reqps',
      width: 8,
      queries: [{ legend: '{{reason}}', expr: `sum by (reason) (${rate('requests_shed_total', SERVER)})` }],
    }),
    timeSeries({
      title: 'Refused cells',
      description: "Cells per second that did not match a model's signature, by column.",
      unit: 'ops',
      width: 8,
      queries: [
        {
          legend: '{{model}} {{column}}',
          expr: `sum by (model, column) (${rate('validation_errors_total', MODEL)})`,
        },
      ],
    }),
  ],
};
