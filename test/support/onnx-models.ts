/**
 * Real little models for tests and benchmarks, the same bytes on every call: multilayer perceptrons of
 * three weights, a tree ensemble, an int8 one, strings, one column per input, a fixed batch dimension,
 * one whose run takes as long as is asked. Times are of one thread of a current x86 server.
 */
import { createDraw } from './draw.ts';
import type { OnnxNode } from './onnx-file.ts';
import {
  features,
  floatTensor,
  type GeneratedModel,
  generated,
  intTensor,
  type ModelTensor,
  node,
  SCORE,
  SEED,
  weights,
} from './onnx-model-parts.ts';
import type { OnnxTensorValue } from './onnx-tensor-file.ts';
import { createTreeAttributes } from './onnx-trees.ts';

export type { GeneratedModel, ModelTensor } from './onnx-model-parts.ts';

interface LayerOptions {
  readonly rows?: number;
  readonly seed?: number;
  /** How often a square layer stands behind the first one, always with the same weights. */
  readonly repeats?: number;
}

/** Fully connected layers with ReLU between them and a sigmoid at the end. */
function multilayerPerceptron(
  name: string,
  widths: readonly number[],
  { rows, seed, repeats }: LayerOptions = {},
): GeneratedModel {
  const draw = createDraw(seed ?? SEED);
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensorValue[] = [];
  let last = 'features';

  function addWeights(layer: string, from: number, to: number): void {
    initializers.push(
      // Uniform with the variance 2 / from, with which ReLU keeps the scale of what goes through.
      floatTensor(`w${layer}`, [from, to], weights(draw, from * to, Math.sqrt(6 / from))),
      floatTensor(`b${layer}`, [to], weights(draw, to, 0.1)),
    );
  }
  function addLayer(layer: string, activation: string): void {
    const output = activation === 'Sigmoid' ? 'score' : `h${nodes.length}`;
    nodes.push(
      node('Gemm', [last, `w${layer}`, `b${layer}`], `z${nodes.length}`),
      node(activation, [`z${nodes.length}`], output),
    );
    last = output;
  }

  for (let layer = 1; layer < widths.length; layer++) {
    const width = widths[layer]!;
    addWeights(`${layer}`, widths[layer - 1]!, width);
    addLayer(`${layer}`, layer === widths.length - 1 ? 'Sigmoid' : 'Relu');
    if (layer > 1 || repeats === undefined) continue;
    addWeights('square', width, width);
    for (let repeat = 0; repeat < repeats; repeat++) addLayer('square', 'Relu');
  }
  const tensors = { inputs: [features(widths[0]!)], outputs: [SCORE] };
  return generated({ name, nodes, initializers, ...tensors, ...(rows ? { rows } : {}) });
}

/** Some 0.1 µs a row: the fixed cost of a run is most of it. Another seed is another version. */
export function tinyMlp(inputs = 8, hidden = 16, seed = SEED): GeneratedModel {
  return multilayerPerceptron('tiny MLP', [inputs, hidden, 1], { seed });
}

/** 3 to 5 µs a row at 256 rows. */
export function largerMlp(inputs = 20, hidden: readonly number[] = [512, 512]): GeneratedModel {
  return multilayerPerceptron('larger MLP', [inputs, ...hidden, 1]);
}

/** Some 50 µs a row: one layer of a million weights, passed through four times. */
export function heavyMlp(inputs = 20): GeneratedModel {
  return multilayerPerceptron('heavy MLP', [inputs, 1_024, 1], { repeats: 4 });
}

/** Takes batches of just so many rows. */
export function fixedBatch(rows: number, inputs = 8): GeneratedModel {
  return multilayerPerceptron(`batch of ${rows}`, [inputs, 16, 1], { rows });
}

/** A sum over trees, as gradient boosting is exported; values below 1 × `trees`. */
export function treeEnsemble(trees = 100, depth = 6, inputs = 20): GeneratedModel {
  const attributes = createTreeAttributes(createDraw(SEED), { trees, depth, inputs });
  const nodes = [
    node('TreeEnsembleRegressor', ['features'], 'score', { domain: 'ai.onnx.ml', attributes }),
  ];
  return generated({ name: 'trees', nodes, inputs: [features(inputs)], outputs: [SCORE] });
}

/**
 * int8 weights. `dynamic`: as `quantize_dynamic` leaves a model, activations are scaled by the range of
 * the whole batch, so that a row's score depends a little on its neighbours. `static`: the QDQ form,
 * with scales of its own.
 */
export function quantisedMlp(
  style: 'dynamic' | 'static' = 'static',
  inputs = 20,
  hidden = 64,
): GeneratedModel {
  const draw = createDraw(SEED);
  const bytes = (count: number) => Array.from({ length: count }, () => draw(-127, 127));
  const scalar = (name: string, element: OnnxTensorValue['element'], amount: number) =>
    ({ name, element, shape: [], values: [amount] }) as const;
  const quantised = { name: 'wq', element: 'int8', shape: [inputs, hidden] } as const;
  const initializers: readonly OnnxTensorValue[] = [
    { ...quantised, values: bytes(inputs * hidden) },
    scalar('wscale', 'float32', 0.01),
    scalar('wzero', 'int8', 0),
    floatTensor('w2', [hidden, 1], weights(draw, hidden, 0.2)),
    ...(style === 'static'
      ? [scalar('xscale', 'float32', 0.05), scalar('xzero', 'uint8', 128)]
      : []),
  ];
  const first =
    style === 'static'
      ? [
          node('QuantizeLinear', ['features', 'xscale', 'xzero'], 'xq'),
          node('DequantizeLinear', ['xq', 'xscale', 'xzero'], 'xd'),
          node('DequantizeLinear', ['wq', 'wscale', 'wzero'], 'wd'),
          node('MatMul', ['xd', 'wd'], 'z1'),
        ]
      : [
          {
            operator: 'DynamicQuantizeLinear',
            inputs: ['features'],
            outputs: ['xq', 'xscale', 'xzero'],
          },
          node('MatMulInteger', ['xq', 'wq', 'xzero', 'wzero'], 'zi'),
          node('Cast', ['zi'], 'zf', { attributes: { to: 1 } }),
          node('Mul', ['xscale', 'wscale'], 'scale'),
          node('Mul', ['zf', 'scale'], 'z1'),
        ];
  const nodes = [
    ...first,
    node('Relu', ['z1'], 'h1'),
    node('MatMul', ['h1', 'w2'], 'z2'),
    node('Sigmoid', ['z2'], 'score'),
  ];
  const tensors = { inputs: [features(inputs)], outputs: [SCORE] };
  return generated({ name: `int8 MLP, ${style}`, nodes, initializers, ...tensors });
}

export const REGIONS = ['north', 'south', 'östlich', ''] as const;

/** Strings alone: `region` through OneHotEncoder, `channel` through LabelEncoder; unknown ones count 0. */
export function stringModel(): GeneratedModel {
  const domain = 'ai.onnx.ml';
  const nodes = [
    node('OneHotEncoder', ['region'], 'hot', {
      ...{ domain, attributes: { cats_strings: { strings: REGIONS }, zeros: 1 } },
    }),
    node('Reshape', ['hot', 'flat'], 'regions'),
    node('MatMul', ['regions', 'w'], 'byRegion'),
    node('LabelEncoder', ['channel'], 'byChannel', {
      domain,
      attributes: {
        keys_strings: { strings: ['web', 'branch'] },
        values_floats: { floats: [0.5, -0.5] },
        default_float: { float: 0 },
      },
    }),
    node('Add', ['byRegion', 'byChannel'], 'z'),
    node('Sigmoid', ['z'], 'score'),
  ];
  const initializers = [
    intTensor('flat', [-1, REGIONS.length]),
    floatTensor('w', [REGIONS.length, 1], [1, -1, 0.25, 2]),
  ];
  const inputs = ['region', 'channel'].map(
    (name) => ({ name, element: 'string', width: 1 }) as const,
  );
  return generated({ name: 'strings', nodes, initializers, inputs, outputs: [SCORE] });
}

/** One column per input, every kind of number, and outputs of as many kinds. */
export function severalInputs(): GeneratedModel {
  const inputs: readonly ModelTensor[] = [
    { name: 'age', element: 'float32', width: 1 },
    { name: 'income', element: 'float64', width: 1 },
    { name: 'loans', element: 'int64', width: 1 },
    { name: 'children', element: 'int32', width: 1 },
    { name: 'owner', element: 'bool', width: 1 },
  ];
  const casts = inputs.map(({ name }) =>
    node('Cast', [name], `${name}Float`, { attributes: { to: 1 } }),
  );
  const columns = casts.flatMap((cast) => cast.outputs);
  const nodes = [
    ...casts,
    node('Concat', columns, 'row', { attributes: { axis: 1 } }),
    node('Gemm', ['row', 'w', 'b'], 'z'),
    node('Sigmoid', ['z'], 'score'),
    node('Cast', ['z'], 'logit', { attributes: { to: 11 } }),
    node('Greater', ['score', 'half'], 'isHigh'),
    node('Cast', ['isHigh'], 'label', { attributes: { to: 7 } }),
    node('Concat', ['score', 'score'], 'pair', { attributes: { axis: 1 } }),
  ];
  const initializers = [
    floatTensor('w', [inputs.length, 1], [0.02, -1e-5, 0.5, 0.1, -1]),
    floatTensor('b', [1], [-0.5]),
    floatTensor('half', [], [0.5]),
  ];
  const outputs: readonly ModelTensor[] = [
    SCORE,
    { name: 'logit', element: 'float64', width: 1 },
    { name: 'isHigh', element: 'bool', width: 1 },
    { name: 'label', element: 'int64', width: 1 },
    { name: 'pair', element: 'float32', width: 2 },
  ];
  return generated({ name: 'several inputs', nodes, initializers, inputs, outputs });
}

/** Side of the square matrices that `slowModel` multiplies: one product takes about this long. */
const SLOW_SIDE = 256;
const SLOW_PRODUCT_MS = 0.175;

/**
 * A run takes about `ms`, however many rows it has: so many products of matrices, none of which ONNX
 * Runtime can leave out, as they start from the number of rows. The score is the first feature.
 */
export function slowModel(ms: number, inputs = 4): GeneratedModel {
  const products = Math.max(1, Math.round(ms / SLOW_PRODUCT_MS));
  const cells = SLOW_SIDE * SLOW_SIDE;
  const initializers = [
    floatTensor('w', [SLOW_SIDE, SLOW_SIDE], new Float32Array(cells).fill(1 / SLOW_SIDE)),
    floatTensor('m0', [SLOW_SIDE, SLOW_SIDE], weights(createDraw(SEED), cells, 1)),
    floatTensor('tiny', [], [1e-30]),
    floatTensor('first', [inputs, 1], [1, ...new Array<number>(inputs - 1).fill(0)]),
  ];
  const all = { attributes: { keepdims: 0 } };
  const nodes = [
    node('Shape', ['features'], 'shape'),
    node('Cast', ['shape'], 'shapeFloat', { attributes: { to: 1 } }),
    node('ReduceMax', ['shapeFloat'], 'rowCount', all),
    node('Mul', ['rowCount', 'tiny'], 'nothing'),
    node('Add', ['m0', 'nothing'], 'p0'),
    ...Array.from({ length: products }, (_, index) =>
      node('MatMul', [`p${index}`, 'w'], `p${index + 1}`),
    ),
    node('ReduceMean', [`p${products}`], 'mean', all),
    node('Mul', ['mean', 'tiny'], 'alsoNothing'),
    node('MatMul', ['features', 'first'], 'z'),
    node('Add', ['z', 'alsoNothing'], 'score'),
  ];
  const tensors = { inputs: [features(inputs)], outputs: [SCORE] };
  return generated({ name: `${ms} ms a run`, nodes, initializers, ...tensors });
}
