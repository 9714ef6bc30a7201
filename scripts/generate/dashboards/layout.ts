import type { Panel } from './grafana.ts';
import type { Placeable } from './panel.ts';

const COLUMNS = 24;

/** Panels under one heading, in reading order. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Placeable[];
}

/** Numbers and places the panels: from left to right, and on the next line where a line is full. */
export function layOut(rows: readonly Row[]): Panel[] {
  const placed: Panel[] = [];
  let top = 0;
  for (const { title, panels } of rows) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: top, w: COLUMNS, h: 1 },
    });
    top += 1;
    let left = 0;
    let lineHeight = 0;
    for (const { width, height, place } of panels) {
      if (left + width > COLUMNS) {
        top += lineHeight;
        left = 0;
        lineHeight = 0;
      }
      placed.push(place(placed.length + 1, { x: left, y: top, w: width, h: height }));
      left += width;
      lineHeight = Math.max(lineHeight, height);
    }
    top += lineHeight;
  }
  return placed;
}
