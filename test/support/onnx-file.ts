/**
 * Writes small ONNX models for tests: nodes between typed inputs and outputs, with their weights. Only
 * what the tests need of onnx.proto.
 */
import {
  encodeBytesField,
  encodeVarintField,
} from '../../services/platform/model/protobuf-wire.ts';
import {
  bytesOf,
  ELEMENT,
  encodeFloatField,
  encodeSigned,
  encodeSignedField,
  encodeTensor,
  type OnnxTensorValue,
} from './onnx-tensor-file.ts';

/** A name is a dynamic dimension. */
type Dimension = number | string;

export interface OnnxValue {
  readonly name: string;
  readonly element: keyof typeof ELEMENT;
  /** `null`: no shape declared. */
  readonly shape: readonly Dimension[] | null;
}

/** A number or a list of them is of integers; floats are told from them by their wrapping. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensorValue };

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: 'ai.onnx.ml';
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A sequence of float tensors, or of the maps that ZipMap gives. */
export interface OnnxSequence {
  readonly name: string;
  readonly element: 'tensors' | 'maps';
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  /** The weights, by name. */
  readonly initializers?: readonly OnnxTensorValue[];
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

/**
 * AttributeProto: name = 1, f = 2, i = 3, s = 4, t = 5, floats = 7, ints = 8, strings = 9, type = 20.
 * Numbers of a list are packed: a tree ensemble has thousands.
 */
function attributeValue(value: OnnxAttribute): readonly [type: number, parts: Uint8Array[]] {
  if (typeof value === 'number') return [2, [encodeSignedField(3, value)]];
  if (typeof value === 'string') return [3, [text(4, value)]];
  if ('float' in value) return [1, [encodeFloatField(2, value.float)]];
  if ('floats' in value)
    return [6, [encodeBytesField(7, bytesOf(Float32Array.from(value.floats)))]];
  if ('strings' in value) return [8, value.strings.map((item) => text(9, item))];
  if ('tensor' in value) return [4, [encodeBytesField(5, encodeTensor(value.tensor))]];
  return [7, [encodeBytesField(8, Buffer.concat(value.map(encodeSigned)))]];
}

function encodeAttribute(name: string, value: OnnxAttribute): Uint8Array {
  const [type, parts] = attributeValue(value);
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
      ...(model.initializers ?? []).map((tensor) => encodeBytesField(5, encodeTensor(tensor))),
      ...model.inputs.map((value) => encodeValue(11, value)),
      ...model.outputs.map((value) => encodeValue(12, value)),
    ),
    ...domains.map((domain) => message(8, text(1, domain), encodeVarintField(2, versions[domain]))),
  ]);
}
