/**
 * Writes small ONNX models for tests: a list of nodes between typed inputs and outputs, no weights.
 * Only what the tests need of onnx.proto.
 */
import {
  encodeBytesField,
  encodeVarintField,
} from '../../services/platform/model/protobuf-wire.ts';

/** TensorProto.DataType. */
export const ELEMENT = {
  float32: 1,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

/** A name is a dynamic dimension. */
type Dimension = number | string;

export interface OnnxValue {
  readonly name: string;
  readonly element: keyof typeof ELEMENT;
  /** `null`: no shape declared. */
  readonly shape: readonly Dimension[] | null;
}

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: 'ai.onnx.ml';
  /** Integer lists and numbers by attribute name. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A sequence of float tensors, or of the maps that ZipMap gives. */
export interface OnnxSequence {
  readonly name: string;
  readonly element: 'tensors' | 'maps';
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly (OnnxValue | OnnxSequence)[];
  /** Operator set domains; both by default. */
  readonly domains?: readonly ('' | 'ai.onnx.ml')[];
}

function text(field: number, value: string): Uint8Array {
  return encodeBytesField(field, Buffer.from(value, 'utf8'));
}

function message(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return encodeBytesField(field, Buffer.concat(parts));
}

function encodeAttribute(name: string, value: number | readonly number[]): Uint8Array {
  const [type, parts] =
    typeof value === 'number'
      ? [2, [encodeVarintField(3, value)]]
      : [7, value.map((item) => encodeVarintField(8, item))];
  return message(5, text(1, name), ...parts, encodeVarintField(20, type));
}

function encodeNode(node: OnnxNode): Uint8Array {
  return message(
    1,
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(4, node.operator),
    ...Object.entries(node.attributes ?? {}).map(([name, value]) => encodeAttribute(name, value)),
    ...(node.domain === undefined ? [] : [text(7, node.domain)]),
  );
}

function encodeDimension(dimension: Dimension): Uint8Array {
  return message(
    1,
    typeof dimension === 'number' ? encodeVarintField(1, dimension) : text(2, dimension),
  );
}

function encodeTensorType({ element, shape }: OnnxValue): Uint8Array {
  const shapeField = shape === null ? [] : [message(2, ...shape.map(encodeDimension))];
  return message(1, encodeVarintField(1, ELEMENT[element]), ...shapeField);
}

/** sequence(tensor(float)), or sequence(map(int64, tensor(float))). */
function encodeSequenceType(element: OnnxSequence['element']): Uint8Array {
  const tensor = message(1, encodeVarintField(1, ELEMENT.float32));
  if (element === 'tensors') return message(4, message(1, tensor));
  const map = message(5, encodeVarintField(1, ELEMENT.int64), message(2, tensor));
  return message(4, message(1, map));
}

function encodeValue(field: number, value: OnnxModel['outputs'][number]): Uint8Array {
  const type = 'shape' in value ? encodeTensorType(value) : encodeSequenceType(value.element);
  return message(field, text(1, value.name), message(2, type));
}

export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const versions = { '': 13, 'ai.onnx.ml': 3 };
  const domains = model.domains ?? (['', 'ai.onnx.ml'] as const);
  return Buffer.concat([
    encodeVarintField(1, 8),
    message(
      7,
      ...model.nodes.map(encodeNode),
      text(2, 'test'),
      ...model.inputs.map((value) => encodeValue(11, value)),
      ...model.outputs.map((value) => encodeValue(12, value)),
    ),
    ...domains.map((domain) => message(8, text(1, domain), encodeVarintField(2, versions[domain]))),
  ]);
}
