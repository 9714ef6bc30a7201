import { describe, expect, it } from 'vitest';
import type { Input, Signature } from '../model/signature.ts';
import type { Lifting } from './lift/lift.ts';
import { liftModel } from './lift/lift.ts';
import type { AttributeSpec, ModelSpec, NodeSpec, ValueSpec } from '../testing/buildModel.ts';
import { ML, buildModel } from '../testing/buildModel.ts';
import { differences, openLifted, openWhole } from '../testing/reference.ts';

const column = (name: string, type: Input['type'] = 'number'): Input => ({
  name,
  onnx: name,
  type,
  nullable: false,
});
const input = (name: string, width = 1): ValueSpec => ({ name, element: 'float', dims: ['N', width] });
const standard = (op: string, inputs: string[], outputs: string[], attributes = {}): NodeSpec => ({
  op,
  domain: '',
  inputs,
  outputs,
  attributes,
});
const joined = (names: string[], to: string): NodeSpec =>
  standard('Concat', names, [to], { axis: { int: 1 } });

/** One tree: feature 0 <= 0.5 ? the first class : the second. */
const STUMP: Readonly<Record<string, AttributeSpec>> = {
  nodes_treeids: { ints: [0, 0, 0] },
  nodes_nodeids: { ints: [0, 1, 2] },
  nodes_featureids: { ints: [0, 0, 0] },
  nodes_modes: { strings: ['BRANCH_LEQ', 'LEAF', 'LEAF'] },
  nodes_values: { floats: [0.5, 0, 0] },
  nodes_truenodeids: { ints: [1, 0, 0] },
  nodes_falsenodeids: { ints: [2, 0, 0] },
  nodes_hitrates: { floats: [1, 1, 1] },
  nodes_missing_value_tracks_true: { ints: [1, 0, 0] },
  post_transform: { string: 'NONE' },
};
const WEIGHTS = (prefix: 'class' | 'target'): Readonly<Record<string, AttributeSpec>> => ({
  [`${prefix}_treeids`]: { ints: [0, 0, 0, 0] },
  [`${prefix}_nodeids`]: { ints: [1, 1, 2, 2] },
  [`${prefix}_ids`]: { ints: [0, 1, 0, 1] },
  [`${prefix}_weights`]: { floats: [0.75, 0.25, 0.125, 0.875] },
});
const stump = (from: string, labels: AttributeSpec = { ints: [0, 1] }): NodeSpec => ({
  op: 'TreeEnsembleClassifier',
  inputs: [from],
  outputs: ['label', 'scores'],
  attributes: {
    ...STUMP,
    ...WEIGHTS('class'),
    [`classlabels_${'strings' in labels ? 'strings' : 'int64s'}`]: labels,
  },
});

const LABEL: ValueSpec = { name: 'label', element: 'int64', dims: ['N'] };
const SCORES: ValueSpec = { name: 'scores', element: 'float', dims: ['N', 2] };
const TWO_COLUMNS: ModelSpec = {
  inputs: [input('a'), input('b')],
  nodes: [joined(['b', 'a'], 'matrix'), stump('matrix')],
  outputs: [LABEL, SCORES],
};
const CLASSIFIER: Signature = {
  task: 'classification',
  inputs: [column('a'), column('b')],
  outputs: { label: 'label', probabilities: 'scores', classes: [0, 1] },
};
const REGRESSION: Signature = { ...CLASSIFIER, task: 'regression', outputs: { value: 'value' } };
const VALUE: ValueSpec = { name: 'value', element: 'float', dims: ['N', 1] };
const NEGATED = standard('Neg', ['matrix'], ['value']);

const lift = (spec: Partial<ModelSpec>, signature: Partial<Signature> = {}): Lifting =>
  liftModel(buildModel({ ...TWO_COLUMNS, ...spec }), { ...CLASSIFIER, ...signature });
const restOf = (lifting: Lifting): string => (lifting.lifted ? lifting.rest.kind : lifting.reason);

describe('the rest', () => {
  it('is a forest when one ensemble answers all outputs', () => {
    const lifting = lift({});
    if (!lifting.lifted || lifting.rest.kind !== 'forest') throw new Error('no forest');
    expect(lifting.rest).toMatchObject({ classes: [0, 1], ensemble: { kind: 'classifier', outputs: 2 } });
    const { ensemble } = lifting.rest;
    expect([...ensemble.nodeModes]).toEqual([0, 6, 6]);
    expect([...ensemble.nodeMissingTrue]).toEqual([1, 0, 0]);
    expect([...ensemble.weights]).toEqual([0.75, 0.25, 0.125, 0.875]);
    expect([...ensemble.baseValues]).toEqual([]);
  });

  it('lets outputs pass through nodes that leave them alone', () => {
    const label: ValueSpec = { name: 'l', element: 'int64', dims: ['N'] };
    const scores: ValueSpec = { name: 's', element: 'float', dims: ['N', 2] };
    const outputs = { label: 'l', probabilities: 's', classes: ['0', '1'] };
    const nodes = (...last: NodeSpec[]): NodeSpec[] => [...TWO_COLUMNS.nodes, ...last];
    const renamed = (cast: NodeSpec, probabilities = standard('Identity', ['scores'], ['s'])): string =>
      restOf(lift({ nodes: nodes(cast, probabilities), outputs: [label, scores] }, { outputs }));

    expect(renamed(standard('Identity', ['label'], ['l']))).toBe('forest');
    expect(renamed(standard('Cast', ['label'], ['l'], { to: { int: 7 } }))).toBe('forest');
    expect(renamed(standard('Cast', ['label'], ['l'], { to: { int: 9 } }))).toBe('graph');
    expect(renamed(standard('Neg', ['label'], ['l']))).toBe('graph');
    const cast = standard('Cast', ['scores'], ['s'], { to: { int: 7 } });
    expect(renamed(standard('Identity', ['label'], ['l']), cast)).toBe('graph');
    const zipMap: NodeSpec = {
      op: 'ZipMap',
      inputs: ['scores'],
      outputs: ['s'],
      attributes: { classlabels_int64s: { ints: [0, 1] } },
    };
    expect(renamed(standard('Identity', ['label'], ['l']), zipMap)).toBe('forest');
  });

  it('lets a LabelEncoder name the classes, in the order of the signature', () => {
    const label: ValueSpec = { name: 'l', element: 'string', dims: ['N'] };
    const names = (numbers: number[], strings: string[], from = 'label'): NodeSpec => ({
      op: 'LabelEncoder',
      inputs: [from],
      outputs: ['l'],
      attributes: { keys_int64s: { ints: numbers }, values_strings: { strings } },
    });
    const outputs = { ...CLASSIFIER.outputs, label: 'l', classes: ['no', 'yes'] };
    const named = (...last: NodeSpec[]): string =>
      restOf(lift({ nodes: [...TWO_COLUMNS.nodes, ...last], outputs: [label, SCORES] }, { outputs }));

    expect(named(names([0, 1], ['no', 'yes']))).toBe('forest');
    expect(named(names([1, 0], ['yes', 'no']))).toBe('forest');
    expect(named(standard('Identity', ['label'], ['k']), names([0, 1], ['no', 'yes'], 'k'))).toBe('forest');
    expect(named(names([0, 1], ['yes', 'no']))).toBe('graph');
    expect(named(names([0], ['no']))).toBe('graph');
  });

  it('names booleans by the 0 and 1 of the graph', () => {
    const booleans = (classes: boolean[]): string =>
      restOf(lift({}, { outputs: { ...CLASSIFIER.outputs, classes } }));
    expect(booleans([false, true])).toBe('forest');
    expect(booleans([true, false])).toBe('graph');
  });

  it('is a graph when the classes stand in another order than in the signature', () => {
    const outputs = { ...CLASSIFIER.outputs, classes: ['no', 'yes'] };
    const named = (strings: string[]): string =>
      restOf(lift({ nodes: [joined(['b', 'a'], 'matrix'), stump('matrix', { strings })] }, { outputs }));
    expect(named(['no', 'yes'])).toBe('forest');
    expect(named(['yes', 'no'])).toBe('graph');
    expect(named(['no', 'maybe'])).toBe('graph');
    expect(
      restOf(lift({}, { outputs: { ...CLASSIFIER.outputs, label: 'scores', probabilities: 'label' } })),
    ).toBe('graph');
  });

  it('is a forest for a regression with one target', () => {
    const regressor = (targets: number): NodeSpec => ({
      op: 'TreeEnsembleRegressor',
      inputs: ['matrix'],
      outputs: ['value'],
      attributes: {
        ...STUMP,
        ...WEIGHTS('target'),
        n_targets: { int: targets },
        aggregate_function: { string: 'MAX' },
      },
    });
    const regression = (targets: number): Lifting =>
      lift({ nodes: [joined(['a', 'b'], 'matrix'), regressor(targets)], outputs: [VALUE] }, REGRESSION);
    const one = regression(1);
    expect(one).toMatchObject({
      rest: { kind: 'forest', ensemble: { kind: 'regressor', outputs: 1, aggregate: 'MAX' } },
    });
    expect(restOf(regression(2))).toBe('graph');
  });

  it('is a forest for the newer tree operator too', async () => {
    const tree: NodeSpec = {
      op: 'TreeEnsemble',
      inputs: ['matrix'],
      outputs: ['value'],
      attributes: {
        n_targets: { int: 1 },
        tree_roots: { ints: [0] },
        nodes_featureids: { ints: [1] },
        nodes_splits: { tensor: { element: 'float', dims: [1], values: [0.5] } },
        nodes_modes: { tensor: { element: 'uint8', dims: [1], values: [0] } },
        nodes_truenodeids: { ints: [0] },
        nodes_falsenodeids: { ints: [1] },
        nodes_trueleafs: { ints: [1] },
        nodes_falseleafs: { ints: [1] },
        leaf_targetids: { ints: [0, 0] },
        leaf_weights: { tensor: { element: 'float', dims: [2], values: [3, -7] } },
      },
    };
    const nodes = [joined(['a', 'b'], 'matrix'), tree];
    const onnx = buildModel({ ...TWO_COLUMNS, nodes, outputs: [VALUE], opsets: { '': 18, [ML]: 5 } });
    const lifting = liftModel(onnx, REGRESSION);
    if (!lifting.lifted || lifting.rest.kind !== 'forest') throw new Error('no forest');
    expect([...lifting.rest.ensemble.weights].sort()).toEqual([-7, 3]);
    expect([...lifting.rest.ensemble.nodeFeatures]).toContain(1);
    const whole = await openWhole(onnx, REGRESSION);
    expect([
      ...(await whole([
        [9, 0.5],
        [0, 0.75],
      ])),
    ]).toEqual([3, -7]);
  });

  it.each([3, 8])('is a graph that ONNX Runtime loads, with an IR version of %d', async (irVersion) => {
    const c = { element: 'float', dims: [2, 1], values: [0.5, -3] } as const;
    const d = { element: 'float', dims: [1], values: [4] } as const;
    // In the old form every constant is declared as an input too.
    const declared = Object.entries({ c, d }).map(([name, { element, dims }]) => ({ name, element, dims }));
    const onnx = buildModel({
      irVersion,
      opsets: { '': 11, [ML]: 1 },
      inputs: [input('a'), input('b'), ...(irVersion < 4 ? declared : [])],
      constants: { c, d },
      nodes: [
        joined(['b', 'a'], 'joined'),
        standard('Sub', ['joined', 'd'], ['matrix']),
        standard('MatMul', ['matrix', 'c'], ['value']),
      ],
      outputs: [VALUE],
    });
    const lifting = liftModel(onnx, REGRESSION);
    if (!lifting.lifted) throw new Error(lifting.reason);
    expect(lifting.features).toBe(2);
    const rows = [
      [1, 2],
      [-0.1, 1e30],
      [3, 4],
    ];
    const whole = await openWhole(onnx, REGRESSION);
    const rest = await openLifted(lifting, REGRESSION);
    expect(differences(await whole(rows), await rest(rows), rows.length)).toEqual([]);
  });
});

describe('a sum of categories', () => {
  const TEXT: Signature = { ...REGRESSION, inputs: [column('t', 'string')] };
  const summed = (...before: NodeSpec[]): ModelSpec => ({
    inputs: [{ name: 't', element: 'string', dims: ['N', 1] }],
    constants: {
      flat: { element: 'int64', dims: [2], values: [-1, 3] },
      last: { element: 'int64', dims: [1], values: [-1] },
      half: { element: 'float', dims: [1], values: [0.5] },
      one: { element: 'float', dims: [1], values: [1] },
    },
    nodes: [
      {
        op: 'OneHotEncoder',
        inputs: ['t'],
        outputs: ['places'],
        attributes: { cats_strings: { strings: ['a', 'b', 'c'] } },
      },
      standard('Reshape', ['places', 'flat'], ['ones']),
      ...before,
      standard('ReduceSum', ['zeros', 'last'], ['matrix'], { keepdims: { int: 1 } }),
      NEGATED,
    ],
    outputs: [VALUE],
  });

  it('is followed, also where most of them are not zero', async () => {
    const onnx = buildModel(summed(standard('Sub', ['one', 'ones'], ['zeros'])));
    const lifting = liftModel(onnx, TEXT);
    if (!lifting.lifted) throw new Error(lifting.reason);
    expect(lifting).toMatchObject({ features: 1, rest: { input: 'matrix' } });
    const rows = [['a'], ['c'], ['stranger']];
    const answers = await (await openLifted(lifting, TEXT))(rows);
    expect([...answers]).toEqual([-2, -2, -3]);
    expect([...(await (await openWhole(onnx, TEXT))(rows))]).toEqual([...answers]);
  });

  it('is left alone where its rounding could depend on the order', () => {
    const lifting = liftModel(buildModel(summed(standard('Mul', ['half', 'ones'], ['zeros']))), TEXT);
    expect(lifting).toMatchObject({ features: 3, rest: { input: 'zeros' } });
  });
});

describe('the cut', () => {
  it('is the last matrix that everything passes through, whatever is followed behind it', () => {
    const nodes = [
      joined(['a', 'b'], 'matrix'),
      { op: 'ArrayFeatureExtractor', inputs: ['matrix', 'first'], outputs: ['left'] },
      { op: 'ArrayFeatureExtractor', inputs: ['matrix', 'second'], outputs: ['right'] },
      standard('Max', ['left', 'right'], ['value']),
    ];
    const constants = {
      first: { element: 'int64', dims: [1], values: [0] },
      second: { element: 'int64', dims: [1], values: [1] },
    } as const;
    const lifting = lift({ nodes, constants, outputs: [VALUE] }, REGRESSION);
    expect(lifting).toMatchObject({ features: 2, rest: { kind: 'graph', input: 'matrix' } });
  });

  it('may be the input itself', () => {
    const matrix = { inputs: [input('matrix', 2)], nodes: [stump('matrix')] };
    const inputs = [column('a'), column('b')].map((feeding) => ({ ...feeding, onnx: 'matrix' }));
    expect(lift(matrix, { inputs })).toMatchObject({ features: 2, rest: { kind: 'forest' } });
    expect(lift(matrix, { inputs: [...inputs, ...inputs] })).toMatchObject({
      reason: 'input matrix takes 2 columns',
    });
  });

  it('lies before an operator that may fail on a missing value', () => {
    const binarizer: NodeSpec = { op: 'Binarizer', inputs: ['both'], outputs: ['matrix'] };
    const spec = { nodes: [joined(['a', 'b'], 'both'), binarizer, NEGATED], outputs: [VALUE] };
    const inputs = [column('a'), { ...column('b'), nullable: true }];
    expect(lift(spec, { ...REGRESSION, inputs })).toMatchObject({ rest: { input: 'both' } });
    expect(lift(spec, REGRESSION)).toMatchObject({ rest: { input: 'matrix' } });
  });

  it('lies before rows are mixed', () => {
    const reshape = standard('Reshape', ['both', 'shape'], ['matrix']);
    const constants = { shape: { element: 'int64', dims: [2], values: [-1, 1] } } as const;
    const spec = { nodes: [joined(['a', 'b'], 'both'), reshape, NEGATED], constants, outputs: [VALUE] };
    expect(lift(spec, REGRESSION)).toMatchObject({ rest: { input: 'both' } });
  });

  it('lies before columns become too many', () => {
    const doubled = (from: string, to: string): NodeSpec => joined([from, from], to);
    const nodes = Array.from({ length: 60 }, (_, i) => doubled(i === 0 ? 'both' : `m${i - 1}`, `m${i}`));
    const spec = {
      nodes: [joined(['a', 'b'], 'both'), ...nodes, standard('Neg', ['m59'], ['value'])],
      outputs: [VALUE],
    };
    expect(lift(spec, REGRESSION)).toMatchObject({ lifted: true, features: 65_536 });
  });

  it('is never an output itself', () => {
    const spec = { nodes: [joined(['a', 'b'], 'value')], outputs: [{ ...VALUE, dims: ['N', 2] }] };
    expect(restOf(lift(spec, REGRESSION))).toBe('the outputs do not need a matrix of the columns');
  });

  it('leaves columns out that nothing needs', () => {
    const lifting = lift({ nodes: [joined(['b'], 'matrix'), stump('matrix')] });
    if (!lifting.lifted) throw new Error(lifting.reason);
    const matrix = new Float32Array(lifting.features);
    lifting.columns.forEach(
      (writer, index) => writer.kind === 'number' && writer.write(index + 1, matrix, 0),
    );
    expect([...matrix]).toEqual([2]);
  });
});

describe('what is not lifted', () => {
  const regression = (nodes: NodeSpec[], more: Partial<ModelSpec> = {}): string =>
    restOf(lift({ nodes, outputs: [VALUE], ...more }, REGRESSION));

  it.each<[string, () => string, string]>([
    ['a damaged file', () => restOf(liftModel(new Uint8Array([1, 2, 3]), CLASSIFIER)), 'the file is damaged'],
    [
      'an output that is not there',
      () => restOf(lift({}, { outputs: { ...CLASSIFIER.outputs, label: 'other' } })),
      'the graph has no output other',
    ],
    [
      'an operator whose name is no word',
      () => regression([standard('Ma\nx', ['a', 'b'], ['value'])]),
      'Ma x is not a column-wise operator',
    ],
    [
      'columns that meet too late',
      () => regression([standard('Max', ['a', 'b'], ['value'])]),
      'Max is not a column-wise operator',
    ],
    [
      'a key that stands there twice',
      () =>
        regression([
          {
            op: 'LabelEncoder',
            inputs: ['a'],
            outputs: ['code'],
            attributes: { keys_floats: { floats: [1, 2, 1] }, values_floats: { floats: [1, 2, 3] } },
          },
          joined(['code', 'b'], 'matrix'),
          NEGATED,
        ]),
      'LabelEncoder has a key twice',
    ],
    [
      'columns that are combined',
      () => regression([standard('Add', ['a', 'b'], ['matrix']), NEGATED]),
      'Add combines columns',
    ],
    [
      'doubles',
      () =>
        regression(
          [
            joined(['a', 'b'], 'floats'),
            standard('Cast', ['floats'], ['matrix'], { to: { int: 11 } }),
            NEGATED,
          ],
          {
            inputs: [input('a'), input('b')].map((value) => ({ ...value, element: 'double' })),
            outputs: [{ ...VALUE, element: 'double' }],
          },
        ),
      'Neg takes columns of type double',
    ],
    [
      'an input that no column feeds',
      () => restOf(lift({}, { inputs: [column('a')] })),
      'no column feeds the input b',
    ],
    [
      'an input of another type than its column',
      () => restOf(lift({}, { inputs: [column('a'), column('b', 'string')] })),
      'input b has another type than its column',
    ],
    [
      'an input with a fixed number of rows',
      () => restOf(lift({ inputs: [input('a'), { ...input('b'), dims: [1, 1] }] })),
      'input b takes a fixed number of rows',
    ],
    [
      'a subgraph',
      () =>
        regression(
          [
            joined(['a', 'b'], 'matrix'),
            standard('If', ['flag'], ['value'], {
              then_branch: { graph: { inputs: [], nodes: [], outputs: [] } },
            }),
          ],
          { constants: { flag: { element: 'bool', dims: [], values: [1] } } },
        ),
      'If holds a subgraph',
    ],
    [
      'a subgraph that names no column',
      () =>
        regression(
          [
            joined(['a', 'b'], 'matrix'),
            standard('If', ['flag'], ['hidden'], {
              then_branch: { graph: { inputs: [], nodes: [], outputs: [] } },
            }),
            standard('Add', ['matrix', 'hidden'], ['value']),
          ],
          { constants: { flag: { element: 'bool', dims: [], values: [1] } } },
        ),
      'If holds a subgraph',
    ],
    [
      'an operator of an old form',
      () => regression([joined(['a', 'b'], 'matrix'), NEGATED], { opsets: { '': 6, [ML]: 1 } }),
      'Concat is not a column-wise operator',
    ],
  ])('%s', (_, reason, expected) => {
    expect(reason()).toBe(expected);
  });

  it('is a file that defines operators of its own', () => {
    // FunctionProto: domain "ai.onnx.ml".
    const definition = Uint8Array.of((10 << 3) | 2, ML.length, ...Buffer.from(ML));
    const lifting = lift({ extra: (writer) => void writer.uint32((25 << 3) | 2).bytes(definition) });
    expect(restOf(lifting)).toBe('the file defines operators of its own');
  });
});
