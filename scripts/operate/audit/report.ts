import type { PredictionRecord, RecordedOutput } from '../../../server/observers/predictionLog/record.ts';

/** A record that isn't what the model answers, or isn't what was logged. */
export interface Difference extends Pick<
  PredictionRecord,
  'requestId' | 'row' | 'time' | 'model' | 'sha256'
> {
  readonly place: string;
  readonly reason: string;
  readonly logged: RecordedOutput;
  readonly present: RecordedOutput | null;
}

/** What an audit found. Every record is counted once. */
export interface Report {
  records: number;
  same: number;
  different: number;
  /** No version has an ONNX file of this digest. */
  unknownDigest: number;
  /** The input isn't in the log, or only its hash is. */
  notCheckable: number;
  /** What is no record. */
  unreadable: number;
  /** Ended before the end of the log. */
  interrupted: boolean;
  readonly differences: Difference[];
  /** Where the first of them stand. */
  readonly unreadablePlaces: string[];
}

/** Differences that are kept; the rest are counted. */
export const MAX_KEPT = 10_000;
const MAX_SHOWN = 20;

export const emptyReport = (): Report => ({
  records: 0,
  same: 0,
  different: 0,
  unknownDigest: 0,
  notCheckable: 0,
  unreadable: 0,
  interrupted: false,
  differences: [],
  unreadablePlaces: [],
});

/** What is missing for every record to be checked, a line each; empty if nothing is. */
export function describeUnchecked({ records, notCheckable, unknownDigest }: Report): string {
  const ofWhich = (count: number): string => `${count} of ${records} records can't be checked: `;
  return [
    ...(records === 0 ? ['there is no record\n'] : []),
    ...(notCheckable > 0
      ? [
          `${ofWhich(notCheckable)}the log has no input of theirs, or only its hash (PREDICTION_LOG_INPUT); ` +
            '--inputs FILE finds inputs by their hash\n',
        ]
      : []),
    ...(unknownDigest > 0
      ? [`${ofWhich(unknownDigest)}no version here has an ONNX file of the digest that they name\n`]
      : []),
  ].join('');
}

/** The report for a terminal. */
export function describe(report: Report): string {
  const { differences, unreadablePlaces } = report;
  const shown = differences.slice(0, MAX_SHOWN);
  const more = report.different - shown.length;
  return [
    ...shown.flatMap(({ requestId, row, model, time, reason, place, logged, present }) => [
      `request ${requestId}, row ${row} (${model}, ${time}): ${reason}`,
      `  at      ${place}`,
      `  logged  ${JSON.stringify(logged)}`,
      `  present ${JSON.stringify(present)}`,
    ]),
    ...(more > 0 ? [`and ${more} more that differ`] : []),
    ...unreadablePlaces.map((place) => `no record: ${place}`),
    `${report.records} records: ${report.same} same, ${report.different} different, ` +
      `${report.unknownDigest} of an unknown digest, ${report.notCheckable} not checkable, ` +
      `${report.unreadable} unreadable${report.interrupted ? '; interrupted' : ''}`,
    '',
  ].join('\n');
}
