/** Which category stands for each column, through what exporters put between inputs and encoders. */
import { describe, expect, it } from 'vitest';
import { findCategoryExamples } from '../../../../services/platform/model/category-examples.ts';
import type { TensorDescription } from '../../../../services/platform/model/model-runtime.ts';
import { encodeOnnxModel, type OnnxModel, type OnnxNode } from '../../../support/onnx-file.ts';

const domain = 'ai.onnx.ml';

function encoder(input: string, output: string, categories: readonly (string | number)[]) {
  const attributes =
    typeof categories[0] === 'string'
      ? { cats_strings: { strings: categories as readonly string[] } }
      : { cats_int64s: categories as readonly number[] };
  return {
    operator: 'OneHotEncoder',
    inputs: [input],
    outputs: [output],
    domain,
    attributes,
  } as const;
}

function index(name: string, ...values: number[]) {
  return { name, element: 'int64', shape: [values.length], values } as const;
}

function examplesOf(
  widths: Readonly<Record<string, number>>,
  nodes: readonly OnnxNode[],
  initializers: OnnxModel['initializers'] = [],
) {
  const inputs = Object.entries(widths).map(([name, width]): TensorDescription => {
    return { name, type: 'string', shape: [width] };
  });
  const model = encodeOnnxModel({
    nodes,
    initializers,
    inputs: inputs.map(({ name }) => ({ name, element: 'string', shape: ['rows', widths[name]!] })),
    outputs: [{ name: 'y', element: 'float32', shape: null }],
  });
  return Object.fromEntries(findCategoryExamples(model, inputs));
}

describe('findCategoryExamples', () => {
  it('takes the first category of the encoder of an input, of texts or of numbers', () => {
    const nodes = [encoder('job', 'a', ['clerk', 'smith']), encoder('term', 'b', [12, 24])];
    expect(examplesOf({ job: 1, term: 1, age: 1 }, nodes)).toEqual({
      job: ['clerk'],
      term: [12],
      age: [null],
    });
  });

  it.each([
    { operator: 'Gather', rest: { attributes: { axis: 1 } } },
    { operator: 'ArrayFeatureExtractor', rest: { domain } as const },
  ])('follows the columns of a matrix through $operator', ({ operator, rest }) => {
    const nodes = [
      { operator, inputs: ['x', 'second'], outputs: ['x1'], ...rest },
      { operator: 'Cast', inputs: ['x1'], outputs: ['x1cast'] },
      encoder('x1cast', 'y', [7, 8]),
    ];
    expect(examplesOf({ x: 3 }, nodes, [index('first', 0), index('second', 1)])).toEqual({
      x: [null, 7, null],
    });
  });

  it('follows inputs that are joined and taken apart again', () => {
    const nodes = [
      { operator: 'Concat', inputs: ['job', 'place'], outputs: ['both'], attributes: { axis: 1 } },
      { operator: 'Gather', inputs: ['both', 'last'], outputs: ['region'] },
      { operator: 'Gather', inputs: ['both', 'first'], outputs: ['trade'] },
      encoder('region', 'a', ['north']),
      encoder('trade', 'b', ['smith']),
    ];
    const initializers = [index('last', -1), index('first', 0)];
    expect(examplesOf({ job: 1, place: 2 }, nodes, initializers)).toEqual({
      job: ['smith'],
      place: [null, 'north'],
    });
  });

  it('knows nothing of a column that something else has changed, or that is out of reach', () => {
    const nodes = [
      { operator: 'StringNormalizer', inputs: ['x'], outputs: ['upper'] },
      encoder('upper', 'a', ['A']),
      { operator: 'Gather', inputs: ['x', 'far'], outputs: ['beyond'] },
      encoder('beyond', 'b', ['B']),
      { operator: 'Gather', inputs: ['x', 'unknown'], outputs: ['any'] },
      encoder('any', 'c', ['C']),
      { operator: 'Concat', inputs: ['x', 'upper'], outputs: ['mixed'] },
      encoder('mixed', 'd', ['D']),
    ];
    expect(examplesOf({ x: 2 }, nodes, [index('far', 5)])).toEqual({ x: [null, null] });
  });
});
