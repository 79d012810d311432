/** Models that no runtime of this pipeline can run, each with what its refusal must say. */
import {
  encodeBytesField,
  encodeVarintField,
  readFields,
} from '../../services/platform/model/protobuf-wire.ts';
import { encodeOnnxModel, type OnnxModel } from '../support/onnx-file.ts';

const plain = { name: 'x', element: 'float32', shape: ['rows', 2] } as const;
const through = { operator: 'Identity', inputs: ['x'], outputs: ['y'] } as const;

/** A sum with a weight of which the model only says in which file it is. */
function modelWithExternalWeights(file: string): Uint8Array {
  const text = (field: number, value: string) => encodeBytesField(field, Buffer.from(value));
  const location = Buffer.concat([text(1, 'location'), text(2, file)]);
  const weight = Buffer.concat([
    encodeVarintField(1, 2), // dims
    encodeVarintField(2, 1), // data_type: float32
    text(8, 'w'),
    encodeBytesField(13, location),
    encodeVarintField(14, 1), // data_location: external
  ]);
  const model = encodeOnnxModel({
    nodes: [{ operator: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [plain],
    outputs: [{ ...plain, name: 'y' }],
  });
  return Buffer.concat(
    [...readFields(model)].map((field) =>
      field.number === 7
        ? encodeBytesField(7, Buffer.concat([field.payload, encodeBytesField(5, weight)]))
        : field.encoded,
    ),
  );
}

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
    what: 'two fixed batch dimensions',
    model: {
      nodes: [{ operator: 'Concat', inputs: ['x', 'z'], outputs: ['y'], attributes: { axis: 0 } }],
      inputs: [
        { ...plain, shape: [1, 2] },
        { ...plain, name: 'z', shape: [3, 2] },
      ],
      outputs: [{ ...plain, name: 'y', shape: [4, 2] }],
    },
    says: /input "x" has a fixed batch dimension of 1, input "z" one of 3/,
  },
  {
    what: 'a fixed batch dimension beyond the largest batch',
    model: {
      nodes: [through],
      inputs: [{ ...plain, shape: [5_000, 2] }],
      outputs: [{ ...plain, name: 'y', shape: [5_000, 2] }],
    },
    says: /input "x" has a fixed batch dimension of 5000, not of 1 to 1024/,
  },
  {
    what: 'a fixed batch dimension that the output does not have',
    model: {
      nodes: [{ operator: 'ReduceMean', inputs: ['x'], outputs: ['y'], attributes: { axes: [0] } }],
      inputs: [{ ...plain, shape: [4, 2] }],
      outputs: [{ ...plain, name: 'y', shape: null }],
    },
    says: /output y is float32 \[1,2\], not one row for each of 4/,
  },
  {
    what: 'weights in another file',
    model: modelWithExternalWeights('weights.bin'),
    says: /weights lie in another file, "weights.bin"/,
  },
  {
    what: 'whole numbers of eight bits',
    model: {
      nodes: [through],
      inputs: [{ ...plain, element: 'int8' }],
      outputs: [{ ...plain, element: 'int8', name: 'y' }],
    },
    says: /input "x" has the unsupported element type int8/,
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
