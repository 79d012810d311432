/**
 * Tensors of an ONNX file, for tests: initialisers, and tensors as attributes. Raw bytes by default,
 * as exporters write them; in the typed fields of TensorProto on request, as older ones do.
 */
import {
  encodeBytesField,
  encodeVarint,
  encodeVarintField,
} from '../../services/platform/model/protobuf-wire.ts';

/** TensorProto.DataType. */
export const ELEMENT = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

export interface OnnxTensorValue {
  readonly name: string;
  /** `float16` takes its values as bit patterns. */
  readonly element: keyof typeof ELEMENT;
  /** Empty: a scalar. */
  readonly shape: readonly number[];
  readonly values: readonly number[] | readonly string[] | Float32Array | Float64Array;
  /** `raw` where not given; strings are always typed. */
  readonly storage?: 'raw' | 'typed';
  /** The values lie in this file instead, from its beginning. */
  readonly externalFile?: string;
}

/** A varint of 64 bits in two's complement, as protobuf writes negative numbers. */
export function encodeSigned(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export function encodeSignedField(number: number, value: number): Uint8Array {
  if (value >= 0) return encodeVarintField(number, value);
  return Buffer.concat([encodeVarint(number * 8), encodeSigned(value)]);
}

/** A field of wire type 5. */
export function encodeFloatField(number: number, value: number): Uint8Array {
  return Buffer.concat([encodeVarint(number * 8 + 5), bytesOf(Float32Array.of(value))]);
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function rawBytes({ element, values }: OnnxTensorValue): Uint8Array {
  const numbers = values as readonly number[];
  switch (element) {
    case 'float32':
      return bytesOf(Float32Array.from(numbers));
    case 'float64':
      return bytesOf(Float64Array.from(numbers));
    case 'float16':
      return bytesOf(Uint16Array.from(numbers));
    case 'int32':
      return bytesOf(Int32Array.from(numbers));
    case 'int64':
      return bytesOf(BigInt64Array.from(numbers, BigInt));
    case 'int8':
      return bytesOf(Int8Array.from(numbers));
    case 'uint8':
    case 'bool':
      return bytesOf(Uint8Array.from(numbers));
    case 'string':
      throw new Error('strings have no raw form');
  }
}

/** float_data = 4, int32_data = 5, string_data = 6, int64_data = 7, double_data = 10; all packed. */
function typedValues(tensor: OnnxTensorValue): readonly Uint8Array[] {
  const { element, values } = tensor;
  switch (element) {
    case 'string':
      return Array.from<string | number, Uint8Array>(values, (value) =>
        encodeBytesField(6, Buffer.from(String(value))),
      );
    case 'float32':
      return [encodeBytesField(4, rawBytes(tensor))];
    case 'float64':
      return [encodeBytesField(10, rawBytes(tensor))];
    default: {
      const numbers = Array.from(values as readonly number[], encodeSigned);
      return [encodeBytesField(element === 'int64' ? 7 : 5, Buffer.concat(numbers))];
    }
  }
}

function contentFields(tensor: OnnxTensorValue): readonly Uint8Array[] {
  if (tensor.externalFile !== undefined) {
    const entry = [Buffer.from('location'), Buffer.from(tensor.externalFile)];
    const location = entry.map((text, index) => encodeBytesField(index + 1, text));
    return [encodeBytesField(13, Buffer.concat(location)), encodeVarintField(14, 1)];
  }
  const isTyped = tensor.storage === 'typed' || tensor.element === 'string';
  return isTyped ? typedValues(tensor) : [encodeBytesField(9, rawBytes(tensor))];
}

/** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9. */
export function encodeTensor(tensor: OnnxTensorValue): Uint8Array {
  return Buffer.concat([
    ...tensor.shape.map((dimension) => encodeVarintField(1, dimension)),
    encodeVarintField(2, ELEMENT[tensor.element]),
    encodeBytesField(8, Buffer.from(tensor.name)),
    ...contentFields(tensor),
  ]);
}
