import type { Dashboard, Variable } from './grafana.ts';
import { layOut } from './layout.ts';
import { DATA_SOURCE } from './panel.ts';
import { explanations } from './rows/explanations.ts';
import { inference } from './rows/inference.ts';
import { latency } from './rows/latency.ts';
import { models } from './rows/models.ts';
import { overview } from './rows/overview.ts';
import { processes } from './rows/processes.ts';

/** A variable at the top of the page: one, some, or all values of a label. */
const choice = (name: string, label: string, metric: string): Variable => ({
  name,
  label,
  type: 'query',
  query: { query: `label_values(${metric}, ${name})`, refId: name },
  datasource: DATA_SOURCE,
  includeAll: true,
  multi: true,
  refresh: 2,
  sort: 1,
});

/** The dashboards, by the name of their file. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'servemodel.json': {
    uid: 'servemodel',
    title: 'servemodel',
    description: 'Requests, latency by stage, inference, explanations, models and drift, processes.',
    tags: ['servemodel'],
    schemaVersion: 39,
    // Its source is code: a change on the page would be lost.
    editable: false,
    graphTooltip: 1,
    refresh: '15s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          includeAll: false,
          multi: false,
          refresh: 1,
          sort: 0,
        },
        choice('instance', 'Server', 'app_info'),
        choice('model', 'Model', 'model_info'),
      ],
    },
    annotations: { list: [] },
    links: [],
    panels: layOut([overview, latency, inference, explanations, models, processes]),
  },
};

/** The content of a dashboard's file. */
export const toJson = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`;
