/** A model as heavy as a test wants it, that needs no weights. */
import type { ModelBatch } from '../../services/platform/model/model-runtime.ts';
import type { OnnxModel } from './onnx-file.ts';

const WIDTH = 1_000;

/** `count` times the sine of a row of 1 000: about 1 µs each. */
export function sineModel(count: number): OnnxModel {
  const names = Array.from({ length: count + 1 }, (_, index) => `v${index}`);
  const value = { element: 'float32', shape: ['rows', WIDTH] } as const;
  return {
    nodes: names.slice(1).map((name, index) => ({
      operator: 'Sin',
      inputs: [names[index]!],
      outputs: [name],
    })),
    inputs: [{ ...value, name: names[0]! }],
    outputs: [{ ...value, name: names[count]! }],
  };
}

export function sineBatch(rowCount: number): ModelBatch {
  const data = new Float32Array(rowCount * WIDTH).fill(1);
  return { rowCount, inputs: new Map([['v0', { type: 'float32', data, width: WIDTH }]]) };
}
