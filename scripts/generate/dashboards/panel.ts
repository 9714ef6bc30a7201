import type { DataPanel, DataSource, GridPos, Step, Target, Unit, ValueMapping } from './grafana.ts';

/** The data source that is chosen at the top of the page. */
export const DATA_SOURCE: DataSource = { type: 'prometheus', uid: '${datasource}' };

export interface Query {
  /** PromQL; its `$instance` and `$model` are chosen at the top of the page. */
  readonly expr: string;
  /** The name of a series, with `{{label}}`. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  /** What it shows, and how to read it. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Columns, of the page's 24. */
  readonly width: number;
  /** Bounds from which values need attention. */
  readonly steps?: readonly Step[];
  /** Words for some values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: Step['color'] }>>;
}

/** A panel without its place on the page. */
export interface Placeable {
  readonly width: number;
  readonly height: number;
  place(id: number, gridPos: GridPos): DataPanel;
}

type Look = Pick<DataPanel, 'type' | 'options' | 'transformations'> & {
  readonly custom: Readonly<Record<string, unknown>>;
  readonly height: number;
  readonly color: 'palette-classic' | 'thresholds';
  readonly instant: boolean;
};

const NO_STEPS: readonly Step[] = [{ color: 'text', value: null }];

/** Green, yellow from the first bound on, red from the second on. */
export const worseAbove = (yellow: number, red: number): readonly Step[] => [
  { color: 'green', value: null },
  { color: 'yellow', value: yellow },
  { color: 'red', value: red },
];

function panel(spec: PanelSpec, look: Look): Placeable {
  const targets = spec.queries.map(({ expr, legend }, index): Target => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: DATA_SOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legend,
    range: !look.instant,
    instant: look.instant,
    format: look.type === 'table' ? 'table' : 'time_series',
  }));
  const mappings: ValueMapping[] = spec.words
    ? [
        {
          type: 'value',
          options: Object.fromEntries(
            Object.entries(spec.words).map(([value, word], index) => [value, { ...word, index }]),
          ),
        },
      ]
    : [];
  return {
    width: spec.width,
    height: look.height,
    place: (id, gridPos) => ({
      id,
      type: look.type,
      title: spec.title,
      description: spec.description,
      gridPos,
      datasource: DATA_SOURCE,
      targets,
      fieldConfig: {
        defaults: {
          unit: spec.unit,
          color: { mode: look.color },
          mappings,
          thresholds: { mode: 'absolute', steps: spec.steps ?? NO_STEPS },
          custom: look.custom,
        },
        overrides: [],
      },
      options: look.options,
      transformations: look.transformations,
    }),
  };
}

/** Values over time. With steps, the bounds are drawn as lines. */
export const timeSeries = (
  spec: PanelSpec & {
    /** Stacks the series: their values, or their shares of the whole. */
    readonly stack?: 'normal' | 'percent';
  },
): Placeable =>
  panel(spec, {
    type: 'timeseries',
    height: 8,
    color: 'palette-classic',
    instant: false,
    custom: {
      drawStyle: 'line',
      lineWidth: 1,
      fillOpacity: spec.stack ? 30 : 5,
      showPoints: 'never',
      spanNulls: false,
      stacking: { mode: spec.stack ?? 'none', group: 'A' },
      thresholdsStyle: { mode: spec.steps ? 'dashed' : 'off' },
    },
    options: {
      legend: { showLegend: true, displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    transformations: [],
  });

/** The last value, large. */
export const stat = (spec: PanelSpec): Placeable =>
  panel(spec, {
    type: 'stat',
    height: 4,
    color: 'thresholds',
    instant: false,
    custom: {},
    options: {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: spec.steps || spec.words ? 'background' : 'value',
      graphMode: spec.words ? 'none' : 'area',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
    },
    transformations: [],
  });

/** The present values: a line for each series, a column for each label. */
export const table = (spec: PanelSpec & { readonly columns: readonly string[] }): Placeable =>
  panel(spec, {
    type: 'table',
    height: 8,
    color: 'thresholds',
    instant: true,
    custom: { align: 'auto', filterable: false, cellOptions: { type: 'auto' } },
    options: { showHeader: true, cellHeight: 'sm' },
    transformations: [
      { id: 'filterFieldsByName', options: { include: { names: spec.columns } } },
      {
        id: 'organize',
        options: {
          excludeByName: {},
          indexByName: Object.fromEntries(spec.columns.map((name, index) => [name, index])),
          renameByName: {},
        },
      },
    ],
  });
