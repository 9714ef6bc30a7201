import type { Row } from '../layout.ts';
import { timeSeries } from '../panel.ts';
import { MODEL, SERVER, distributionByModel, rate } from '../queries.ts';

export const inference: Row = {
  title: 'Inference',
  panels: [
    timeSeries({
      title: 'Rows',
      description: 'Answered rows per second.',
      unit: 'ops',
      width: 8,
      stack: 'normal',
      queries: [
        {
          legend: '{{model}}/{{version}}',
          expr: `sum by (model, version) (${rate('inference_rows_total', MODEL)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Batch size',
      description:
        'Rows of a batch. Batches grow with the load, since what comes in together leaves together.',
      unit: 'short',
      width: 8,
      queries: distributionByModel('inference_batch_rows', 0.99),
    }),
    timeSeries({
      title: 'Queue',
      description: 'Rows that wait for a thread. At MAX_QUEUED_ROWS a process refuses requests.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: `sum by (instance) (inference_queue_rows{${SERVER}})` }],
    }),
    timeSeries({
      title: 'Time of a batch by model',
      description: 'How long a batch was worked on, by model and version.',
      unit: 's',
      width: 24,
      queries: distributionByModel('inference_duration_seconds', 0.99),
    }),
  ],
};
