import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { DriftReport, FieldReport } from './report.ts';

type Sample = readonly [labels: Record<string, string | number>, value: number | null | undefined];

/** A gauge for each field of each report. */
const perColumn =
  (read: (field: FieldReport) => number | null | undefined) =>
  ({ columns }: DriftReport): Sample[] =>
    columns.map((field) => [{ column: field.name }, read(field)]);

/** Shares of too few rows mean nothing. */
const ofEnough =
  (read: (report: DriftReport) => Sample[]) =>
  (report: DriftReport): Sample[] =>
    report.window.sampledRows < report.window.leastRows ? [] : read(report);

interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (report: DriftReport) => Sample[];
}

const FAMILIES: readonly Family[] = [
  {
    name: 'model_window_rows',
    help: 'Answered rows in the window over which drift is computed.',
    labels: [],
    read: ({ window }) => [[{}, window.rows]],
  },
  {
    name: 'model_drift_psi',
    help: "Population stability index of a column's cells in the window against the training data.",
    labels: ['column'],
    read: perColumn(({ psi }) => psi),
  },
  {
    name: 'model_prediction_drift_psi',
    help: 'Population stability index of the predictions in the window against those for the training data.',
    labels: [],
    read: ({ predictions, values }) => [[{}, predictions?.psi ?? largest(values)]],
  },
  {
    name: 'model_unknown_ratio',
    help: "Share of a column's cells in the window that were none of its categories.",
    labels: ['column'],
    read: ofEnough(perColumn(({ unknown }) => unknown?.observed)),
  },
  {
    name: 'model_missing_ratio',
    help: "Share of a column's cells in the window that were missing.",
    labels: ['column'],
    read: ofEnough(perColumn(({ missing }) => missing?.observed)),
  },
  {
    name: 'model_prediction_ratio',
    help: 'Share of the predictions in the window that were this label, or in this range.',
    labels: ['label'],
    read: ofEnough(({ predictions }) =>
      (predictions?.bins ?? []).map(({ bin, observed }) => [{ label: bin }, observed]),
    ),
  },
];

/** Of several values the one that drifted most. */
function largest(values: readonly FieldReport[] = []): number | undefined {
  const known = values.flatMap(({ psi }) => psi ?? []);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** The drift families of the primary. An unknown value has no series. */
export function registerDriftMetrics(registry: Registry, reports: () => readonly DriftReport[]): void {
  for (const { name, help, labels, read } of FAMILIES) {
    new Gauge({
      name,
      help,
      labelNames: ['model', 'version', ...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const report of reports()) {
          for (const [own, value] of read(report)) {
            if (typeof value === 'number')
              this.set({ model: report.name, version: report.version, ...own }, value);
          }
        }
      },
    });
  }
}
