import type { Row } from '../layout.ts';
import { table, timeSeries, worseAbove } from '../panel.ts';
import { SERVER, rate } from '../queries.ts';

export const processes: Row = {
  title: 'Processes',
  panels: [
    timeSeries({
      title: 'Server processes',
      description: 'Processes that are ready. It should be WEB_CONCURRENCY.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: `server_processes{${SERVER}}` }],
    }),
    timeSeries({
      title: 'Restarts',
      description:
        'Processes that died or fell silent within 10 minutes. nginx replays what they were asked.',
      unit: 'short',
      width: 8,
      steps: worseAbove(1, 3),
      queries: [
        { legend: '{{instance}} died', expr: `increase(server_process_restarts_total{${SERVER}}[10m])` },
        { legend: '{{instance}} silent', expr: `increase(server_process_silences_total{${SERVER}}[10m])` },
      ],
    }),
    timeSeries({
      title: 'Event loop lag',
      description: 'How late the event loops of the processes are; of primary and servers the later ones.',
      unit: 's',
      width: 8,
      steps: worseAbove(0.05, 0.2),
      queries: [
        {
          legend: '{{instance}} mean',
          expr: `max by (instance) (nodejs_eventloop_lag_mean_seconds{${SERVER}})`,
        },
        {
          legend: '{{instance}} p99',
          expr: `max by (instance) (nodejs_eventloop_lag_p99_seconds{${SERVER}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Memory',
      description: 'Of all processes together; pages that they share count in each of them.',
      unit: 'bytes',
      width: 8,
      queries: [
        {
          legend: '{{instance}} resident',
          expr: `sum by (instance) (process_resident_memory_bytes{${SERVER}})`,
        },
        {
          legend: '{{instance}} JavaScript heap',
          expr: `sum by (instance) (nodejs_heap_size_used_bytes{${SERVER}})`,
        },
      ],
    }),
    timeSeries({
      title: 'CPU',
      description: 'CPUs that the Node processes keep busy, nginx not counted.',
      unit: 'short',
      width: 8,
      queries: [
        {
          legend: '{{instance}}',
          expr: `sum by (instance) (${rate('process_cpu_seconds_total', SERVER)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Garbage collection',
      description: 'Share of the time of one CPU that goes into collecting garbage.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: '{{kind}}',
          expr: `sum by (kind) (${rate('nodejs_gc_duration_seconds_sum', SERVER)})`,
        },
      ],
    }),
    timeSeries({
      title: 'nginx connections',
      description: 'Connections by what they do; waiting ones are kept open by clients.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{state}}', expr: `sum by (state) (nginx_connections{${SERVER}})` }],
    }),
    timeSeries({
      title: 'nginx requests',
      description: 'Per second: requests, and connections that were accepted and handled.',
      unit: 'reqps',
      width: 8,
      queries: [
        { legend: 'requests', expr: `sum(${rate('nginx_http_requests_total', SERVER)})` },
        { legend: 'accepted', expr: `sum(${rate('nginx_connections_accepted_total', SERVER)})` },
        { legend: 'handled', expr: `sum(${rate('nginx_connections_handled_total', SERVER)})` },
      ],
    }),
    timeSeries({
      title: 'Reachable',
      description: '1 while Prometheus reaches the server, and the server its nginx.',
      unit: 'none',
      width: 8,
      queries: [
        { legend: '{{instance}} server', expr: `up{${SERVER}}` },
        { legend: '{{instance}} nginx', expr: `nginx_up{${SERVER}}` },
      ],
    }),
    timeSeries({
      title: 'Open files',
      description: 'Descriptors of all Node processes together.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: `sum by (instance) (process_open_fds{${SERVER}})` }],
    }),
    timeSeries({
      title: 'Stale figures',
      description:
        'Processes per second that were too slow for a scrape, which took their last counts instead.',
      unit: 'ops',
      width: 8,
      queries: [
        {
          legend: '{{instance}}',
          expr: `sum by (instance) (${rate('metrics_stale_processes_total', SERVER)})`,
        },
      ],
    }),
    table({
      title: 'Software',
      description: 'What runs.',
      unit: 'none',
      width: 8,
      columns: ['instance', 'version', 'node', 'onnxruntime'],
      queries: [{ legend: '', expr: `app_info{${SERVER}}` }],
    }),
  ],
};
