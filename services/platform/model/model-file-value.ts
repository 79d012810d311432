/**
 * A named input or output as the model file declares it, sequences and maps included.
 *
 *   ValueInfoProto  name = 1, type = 2
 *   TypeProto       tensor_type = 1, sequence_type = 4, map_type = 5, sparse_tensor_type = 8,
 *                   optional_type = 9
 *     Tensor        elem_type = 1, shape = 2;  TensorShapeProto  dim = 1 (dim_value = 1, dim_param = 2)
 *     Sequence, Optional  elem_type = 1
 *     Map           key_type = 1, value_type = 2
 */
import { elementName, lastVarint } from './model-file-numbers.ts';
import { readFields, stringField, WireFormatError } from './protobuf-wire.ts';

export interface ModelFileValue {
  readonly name: string;
  /** `float32`, `sequence(map(int64, float32))`; empty where none is declared. */
  readonly type: string;
  /** Of a tensor; a text names a dynamic dimension, empty where it has no name. `null`: not declared. */
  readonly shape: readonly (number | string)[] | null;
}

/** Types within types that are followed; real ones have three. */
const DEPTH_MAX = 8;

interface DeclaredType {
  readonly text: string;
  readonly shape: ModelFileValue['shape'];
}

const UNDECLARED: DeclaredType = { text: '', shape: null };

/** The last occurrence of a message field, as protobuf reads it where it does not merge them. */
export function messageField(message: Uint8Array, number: number): Uint8Array | null {
  let found: Uint8Array | null = null;
  for (const field of readFields(message)) {
    if (field.number === number && field.wireType === 2) found = field.payload;
  }
  return found;
}

function readDimension(dimension: Uint8Array): number | string {
  return lastVarint(dimension, 1) ?? stringField(dimension, 2);
}

function readTensorType(tensor: Uint8Array): DeclaredType {
  const shape = messageField(tensor, 2);
  return {
    text: elementName(lastVarint(tensor, 1) ?? 0),
    shape: shape === null ? null : [...readFields(shape)].map((dim) => readDimension(dim.payload)),
  };
}

function innerText(message: Uint8Array, number: number, depth: number): string {
  const inner = messageField(message, number);
  return inner === null ? '' : readType(inner, depth + 1).text;
}

function readType(type: Uint8Array, depth: number): DeclaredType {
  if (depth > DEPTH_MAX) throw new WireFormatError('a type is nested too deeply');
  const kind = [...readFields(type)].find((field) => field.wireType === 2 && field.number !== 6);
  if (kind === undefined) return UNDECLARED;
  switch (kind.number) {
    case 1:
      return readTensorType(kind.payload);
    case 4:
      return { text: `sequence(${innerText(kind.payload, 1, depth)})`, shape: null };
    case 5: {
      const key = elementName(lastVarint(kind.payload, 1) ?? 0);
      return { text: `map(${key}, ${innerText(kind.payload, 2, depth)})`, shape: null };
    }
    case 8:
      return { ...readTensorType(kind.payload), text: 'sparse tensor' };
    case 9:
      return { text: `optional(${innerText(kind.payload, 1, depth)})`, shape: null };
    default:
      return { text: 'opaque', shape: null };
  }
}

export function readValue(info: Uint8Array): ModelFileValue {
  const type = messageField(info, 2);
  const { text, shape } = type === null ? UNDECLARED : readType(type, 0);
  return { name: stringField(info, 1), type: text, shape };
}
