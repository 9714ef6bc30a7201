import type { Prediction } from './predictor.ts';

/** Where the time of a prediction went. */
export type Timings = Pick<Prediction, 'parseSeconds' | 'queueSeconds' | 'runSeconds'>;

export const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(3);
/** Where the time of a prediction went, as a `server-timing` header says it (W3C Server Timing). */
export const timings = ({ parseSeconds, queueSeconds, runSeconds }: Timings): string =>
  `parse;dur=${milliseconds(parseSeconds)}, queue;dur=${milliseconds(queueSeconds)}, run;dur=${milliseconds(runSeconds)}`;
