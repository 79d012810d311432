/** Models that no runtime of this pipeline can run, each with what its refusal must say. */
import { encodeOnnxModel, type OnnxModel } from '../support/onnx-file.ts';

const plain = { name: 'x', element: 'float32', shape: ['rows', 2] } as const;
const through = { operator: 'Identity', inputs: ['x'], outputs: ['y'] } as const;

export const REFUSED_MODELS: readonly {
  what: string;
  model: OnnxModel | Uint8Array;
  says: RegExp;
}[] = [
  { what: 'an empty file', model: new Uint8Array(0), says: /cannot load it/ },
  { what: 'text', model: Buffer.from('columns: [a, b]\n'), says: /not an ONNX file/ },
  {
    what: 'a model cut short',
    model: encodeOnnxModel({
      nodes: [through],
      inputs: [plain],
      outputs: [{ ...plain, name: 'y' }],
    }).subarray(0, -9),
    says: /not an ONNX file/,
  },
  {
    what: 'an unknown operator',
    model: {
      nodes: [{ ...through, operator: 'Divine' }],
      inputs: [plain],
      outputs: [{ ...plain, name: 'y' }],
    },
    says: /cannot load it.*Divine/s,
  },
  {
    what: 'a fixed batch dimension',
    model: {
      nodes: [through],
      inputs: [{ ...plain, shape: [1, 2] }],
      outputs: [{ ...plain, name: 'y', shape: [1, 2] }],
    },
    says: /input "x" has a fixed batch dimension of 1/,
  },
  {
    what: 'a dynamic row width',
    model: {
      nodes: [through],
      inputs: [{ ...plain, shape: ['rows', 'width'] }],
      outputs: [{ ...plain, name: 'y', shape: ['rows', 'width'] }],
    },
    says: /input "x" has a dynamic row shape/,
  },
  {
    what: 'an input without dimensions',
    model: {
      nodes: [through],
      inputs: [{ ...plain, shape: [] }],
      outputs: [{ ...plain, name: 'y', shape: [] }],
    },
    says: /input "x" declares no batch dimension/,
  },
  {
    what: 'half-precision inputs',
    model: {
      nodes: [through],
      inputs: [{ ...plain, element: 'float16' }],
      outputs: [{ ...plain, element: 'float16', name: 'y' }],
    },
    says: /input "x" has the unsupported element type float16/,
  },
  {
    what: 'a sequence for an output',
    model: {
      nodes: [{ operator: 'SequenceConstruct', inputs: ['x'], outputs: ['maps'] }],
      inputs: [plain],
      outputs: [{ name: 'maps', element: 'tensors' }],
    },
    says: /output "maps" is a sequence, map or optional/,
  },
  {
    what: 'an output with fewer rows than the batch',
    model: {
      nodes: [{ operator: 'ReduceMean', inputs: ['x'], outputs: ['y'], attributes: { axes: [0] } }],
      inputs: [plain],
      outputs: [{ ...plain, name: 'y', shape: null }],
    },
    says: /output y is float32 \[1,2\], not one row for each of 2/,
  },
];
