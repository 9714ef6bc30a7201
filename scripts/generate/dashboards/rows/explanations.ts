import type { Row } from '../layout.ts';
import { timeSeries } from '../panel.ts';
import { MODEL, SERVER, distributionByModel, rate } from '../queries.ts';

export const explanations: Row = {
  title: 'Explanations',
  panels: [
    timeSeries({
      title: 'Explained rows',
      description: 'Rows per second whose answers were explained. Threads explain while no prediction waits.',
      unit: 'ops',
      width: 8,
      stack: 'normal',
      queries: [
        {
          legend: '{{model}}/{{version}}',
          expr: `sum by (model, version) (${rate('explanation_rows_total', MODEL)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Time of an explanation',
      description: 'From the arrival of a request to its explanations, the wait for a thread included.',
      unit: 's',
      width: 8,
      queries: distributionByModel('explanation_duration_seconds', 0.99),
    }),
    timeSeries({
      title: 'Refused explanations',
      description:
        'Requests per second that were refused: shed while too many rows wait, and by status at /explain (409: not explainable, 413: too many rows).',
      unit: 'reqps',
      width: 8,
      queries: [
        { legend: 'shed', expr: `sum(${rate('requests_shed_total', `${SERVER},reason="explanations"`)})` },
        {
          legend: '{{status}}',
          expr: `sum by (status) (${rate('http_requests_total', `${SERVER},route=~".*/explain",status=~"[45].."`)})`,
        },
      ],
    }),
  ],
};
