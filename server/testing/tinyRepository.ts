import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AttributeSpec } from './buildModel.ts';
import { buildModel } from './buildModel.ts';

/** One test and two leaves: `version` for x up to 0.5, else `version` + 0.5. */
export const tinyTreeAttributes = (version: number): Record<string, AttributeSpec> => ({
  n_targets: { int: 1 },
  nodes_treeids: { ints: [0, 0, 0] },
  nodes_nodeids: { ints: [0, 1, 2] },
  nodes_featureids: { ints: [0, 0, 0] },
  nodes_modes: { strings: ['BRANCH_LEQ', 'LEAF', 'LEAF'] },
  nodes_values: { floats: [0.5, 0, 0] },
  nodes_truenodeids: { ints: [1, 0, 0] },
  nodes_falsenodeids: { ints: [2, 0, 0] },
  target_treeids: { ints: [0, 0] },
  target_nodeids: { ints: [1, 2] },
  target_ids: { ints: [0, 0] },
  target_weights: { floats: [version, version + 0.5] },
});

/** A tree whose answers show its version: `version` for x up to 0.5, else `version` + 0.5. */
export function tinyTree(version: number): Uint8Array {
  return buildModel({
    inputs: [{ name: 'x', element: 'float', dims: ['n', 1] }],
    outputs: [{ name: 'y', element: 'float', dims: ['n', 1] }],
    nodes: [
      {
        op: 'TreeEnsembleRegressor',
        inputs: ['x'],
        outputs: ['y'],
        attributes: tinyTreeAttributes(version),
      },
    ],
  });
}

/** The same answers from a graph without a forest, which ONNX Runtime serves. */
export function tinyLine(version: number): Uint8Array {
  return buildModel({
    inputs: [{ name: 'x', element: 'float', dims: ['n', 1] }],
    outputs: [{ name: 'y', element: 'float', dims: ['n', 1] }],
    nodes: [
      {
        op: 'LinearRegressor',
        inputs: ['x'],
        outputs: ['y'],
        attributes: {
          coefficients: { floats: [0.5] },
          intercepts: { floats: [version] },
          targets: { int: 1 },
        },
      },
    ],
  });
}

const SIGNATURE = {
  task: 'regression',
  inputs: [{ name: 'x', onnx: 'x', type: 'number', nullable: false }],
  outputs: { value: 'y' },
};

/** The files of a version: its rows x = 0 and x = 1 are golden. */
export const tinyFiles = (
  version: number,
  onnx = tinyTree(version),
): Record<string, string | Uint8Array> => ({
  'model.onnx': onnx,
  'model.json': JSON.stringify(SIGNATURE),
  'golden.json': JSON.stringify({ columns: ['x'], data: [[0], [1]], predictions: [version, version + 0.5] }),
});

/** Writes a version's folder elsewhere and renames it into place, as a careful deployment does. */
export function putVersion(
  repository: string,
  id: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): void {
  const folder = join(repository, id);
  const aside = `${folder}.new`;
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(aside);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(aside, name), content);
  rmSync(folder, { recursive: true, force: true });
  renameSync(aside, folder);
}
