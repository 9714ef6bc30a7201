import type { Prediction } from './predictor.ts';

/** The phases of a prediction. */
type Timings = Pick<Prediction, 'parseSeconds' | 'queueSeconds' | 'runSeconds'>;

const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(3);

export const explainTiming = (seconds: number): string => `explain;dur=${milliseconds(seconds)}`;

/** The value of a `server-timing` header (W3C Server Timing). */
export const timings = ({ parseSeconds, queueSeconds, runSeconds }: Timings): string =>
  `parse;dur=${milliseconds(parseSeconds)}, queue;dur=${milliseconds(queueSeconds)}, run;dur=${milliseconds(runSeconds)}`;
