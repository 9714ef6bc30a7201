import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS, toJson } from './dashboard.ts';
import type { DataPanel, GridPos } from './grafana.ts';

const FOLDER = new URL('../../../deploy/grafana/dashboards/', import.meta.url);
/** Variables that Grafana replaces itself. */
const BUILT_IN = ['__rate_interval'];

describe('the dashboards', () => {
  it('are committed as their code generates them: ./scripts/run dashboards', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(DASHBOARDS).sort());
    for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
      expect(readFileSync(new URL(name, FOLDER), 'utf8') === toJson(dashboard), name).toBe(true);
    }
  });
});

const overlap = (a: GridPos, b: GridPos): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

describe.each(Object.entries(DASHBOARDS))('%s', (_, { panels, templating }) => {
  const shown = panels.filter((panel): panel is DataPanel => panel.type !== 'row');

  it('has each panel once, without overlap', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [index, { title, gridPos }] of panels.entries()) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      const others = panels.slice(index + 1).filter((other) => overlap(gridPos, other.gridPos));
      expect(others.map((other) => other.title)).toEqual([]);
    }
  });

  it('leaves no gap in a line', () => {
    const tops = new Set(panels.map(({ gridPos }) => gridPos.y));
    for (const top of tops) {
      const line = panels.filter(({ gridPos }) => gridPos.y === top);
      const width = line.reduce((sum, { gridPos }) => sum + gridPos.w, 0);
      expect(width, line[0]?.title).toBe(24);
    }
  });

  it.each(shown.map((panel) => [panel.title, panel] as const))(
    '%s has a description, and queries the chosen instances only',
    (__, { description, targets, fieldConfig }) => {
      expect(description.endsWith('.')).toBe(true);
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      const names = templating.list.map(({ name }) => name);
      for (const { expr } of targets) {
        const used = [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name as string);
        expect(used.filter((name) => !names.includes(name) && !BUILT_IN.includes(name))).toEqual([]);
        // The list of alerts isn't narrowed.
        if (!expr.includes('ALERTS{')) expect(expr).toContain('instance=~"$instance"');
      }
      const bounds = fieldConfig.defaults.thresholds.steps.map(({ value }) => value ?? -Infinity);
      expect(bounds[0]).toBe(-Infinity);
      expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
    },
  );
});
