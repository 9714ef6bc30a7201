/**
 * The parts of Grafana's classic dashboard model that our dashboards use, with Grafana's names.
 * https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/
 */

/** `ops` is anything per second; `percentunit` shows 0.5 as 50 %. */
export type Unit = 'short' | 'none' | 's' | 'bytes' | 'reqps' | 'ops' | 'percentunit';

export interface Step {
  readonly color: 'green' | 'yellow' | 'red' | 'text';
  /** Its lower bound: null is minus infinity, and comes first. */
  readonly value: number | null;
}

export interface DataSource {
  readonly type: 'prometheus';
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly datasource: DataSource;
  readonly editorMode: 'code';
  readonly expr: string;
  readonly legendFormat: string;
  readonly range: boolean;
  readonly instant: boolean;
  readonly format: 'time_series' | 'table';
}

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface ValueMapping {
  readonly type: 'value';
  readonly options: Readonly<
    Record<string, { readonly text: string; readonly color: string; readonly index: number }>
  >;
}

interface FieldConfig {
  readonly defaults: {
    readonly unit: Unit;
    readonly min?: number;
    readonly color: { readonly mode: 'palette-classic' | 'thresholds' };
    readonly mappings: readonly ValueMapping[];
    readonly thresholds: { readonly mode: 'absolute'; readonly steps: readonly Step[] };
    readonly custom: Readonly<Record<string, unknown>>;
  };
  readonly overrides: readonly [];
}

interface PanelBase {
  readonly id: number;
  readonly title: string;
  readonly gridPos: GridPos;
}

export interface DataPanel extends PanelBase {
  readonly type: 'timeseries' | 'stat' | 'table';
  readonly description: string;
  readonly datasource: DataSource;
  readonly targets: readonly Target[];
  readonly fieldConfig: FieldConfig;
  readonly options: Readonly<Record<string, unknown>>;
  readonly transformations: readonly {
    readonly id: string;
    readonly options: Readonly<Record<string, unknown>>;
  }[];
}

/** A heading that folds its panels. */
export interface RowPanel extends PanelBase {
  readonly type: 'row';
  readonly collapsed: false;
  readonly panels: readonly [];
}

export type Panel = DataPanel | RowPanel;

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: 'datasource' | 'query';
  readonly query: string | { readonly query: string; readonly refId: string };
  readonly datasource?: DataSource;
  readonly includeAll: boolean;
  readonly multi: boolean;
  /** When it is queried: 1 when the page loads, 2 at each change of the time range. */
  readonly refresh: 1 | 2;
  readonly sort: 0 | 1;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly graphTooltip: 0 | 1;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly timezone: 'browser';
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly [] };
  readonly links: readonly [];
  readonly panels: readonly Panel[];
}
