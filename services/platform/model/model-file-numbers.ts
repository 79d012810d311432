/**
 * The numbers of a TensorProto, in whichever of its forms they are stored. Packed four-bit numbers and
 * the eight-bit floats count as elements and are not read.
 *
 *   TensorProto  dims = 1, data_type = 2, float_data = 4, int32_data = 5, int64_data = 7,
 *                name = 8, raw_data = 9 (little endian), double_data = 10,
 *                uint64_data = 11, external_data = 13 (key = 1, value = 2), data_location = 14
 */
import { decodeText, readFields, stringField, type WireField } from './protobuf-wire.ts';

const TENSOR = {
  ...{ dimensions: 1, type: 2, floats: 4, int32s: 5, int64s: 7, name: 8, raw: 9 },
  ...{ doubles: 10, uint64s: 11, external: 13 },
} as const;

/** TensorProto.DataType by number. */
const ELEMENT_NAMES: readonly string[] = [
  ...['undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string'],
  ...['bool', 'float16', 'float64', 'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16'],
  ...['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'uint4', 'int4'],
  'float4e2m1',
];

export function elementName(type: number): string {
  return ELEMENT_NAMES[type] ?? `type ${type}`;
}

export interface TensorContent {
  readonly name: string;
  readonly element: string;
  readonly shape: readonly number[];
  /** `null` where they are not read: strings, packed numbers, another file, no value stored. */
  readonly numbers: ArrayLike<number> | null;
  /** The file that holds the values instead; `null`: they are here. */
  readonly externalFile: string | null;
}

/** Of a payload that holds one number or, packed, many. */
export function decodeVarints(payload: Uint8Array): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of payload) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(BigInt.asIntN(64, value));
    value = 0n;
    shift = 0n;
  }
  return values;
}

export function lastVarint(message: Uint8Array, number: number): number | null {
  let value: number | null = null;
  for (const field of readFields(message)) {
    if (field.number === number && field.wireType === 0) {
      value = Number(decodeVarints(field.payload)[0]);
    }
  }
  return value;
}

/** A copy that stands at a multiple of its element size; bytes that make no whole element are cut. */
function aligned(bytes: Uint8Array, elementBytes: number): ArrayBuffer {
  return Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % elementBytes))).buffer;
}

/** All little endian, as every platform that ONNX Runtime has a binding of Node for. */
export function decodeFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(aligned(bytes, 4));
}

function decodeHalves(bytes: Uint8Array): Float64Array {
  return Float64Array.from(new Uint16Array(aligned(bytes, 2)), (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
  });
}

/** The upper half of a float32. */
function decodeBrainFloats(bytes: Uint8Array): Float32Array {
  const bits = Uint32Array.from(new Uint16Array(aligned(bytes, 2)), (upper) => upper << 16);
  return new Float32Array(bits.buffer);
}

/** By element type: how numbers of it are stored as bytes. */
const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => ArrayLike<number>>> = {
  float32: decodeFloats,
  float64: (bytes) => new Float64Array(aligned(bytes, 8)),
  float16: decodeHalves,
  bfloat16: decodeBrainFloats,
  uint8: (bytes) => bytes,
  int8: (bytes) => new Int8Array(aligned(bytes, 1)),
  uint16: (bytes) => new Uint16Array(aligned(bytes, 2)),
  int16: (bytes) => new Int16Array(aligned(bytes, 2)),
  int32: (bytes) => new Int32Array(aligned(bytes, 4)),
  uint32: (bytes) => new Uint32Array(aligned(bytes, 4)),
  int64: (bytes) => Float64Array.from(new BigInt64Array(aligned(bytes, 8)), Number),
  uint64: (bytes) => Float64Array.from(new BigUint64Array(aligned(bytes, 8)), Number),
  bool: (bytes) => bytes,
};

/** int32_data holds every shorter type as well; of 16-bit floats, their bits. */
function decodeInt32s(element: string, payload: Uint8Array): ArrayLike<number> {
  const values = decodeVarints(payload).map(Number);
  if (element !== 'float16' && element !== 'bfloat16') return values;
  return DECODERS[element]!(new Uint8Array(Uint16Array.from(values).buffer));
}

/** `null`: the field holds no numbers that can be read. */
function decodeField(element: string, field: WireField): ArrayLike<number> | null {
  const decode = DECODERS[element];
  if (decode === undefined) return null;
  switch (field.number) {
    case TENSOR.raw:
    case TENSOR.floats:
    case TENSOR.doubles:
      return decode(field.payload);
    case TENSOR.int32s:
      return decodeInt32s(element, field.payload);
    case TENSOR.int64s:
    case TENSOR.uint64s:
      return decodeVarints(field.payload).map(Number);
    default:
      return null;
  }
}

/** Unpacked numbers come one to a field. */
function joined(parts: readonly ArrayLike<number>[]): ArrayLike<number> | null {
  if (parts.length < 2) return parts[0] ?? null;
  return parts.flatMap((part) => Array.from(part));
}

function locationOf(fields: readonly WireField[]): string | null {
  const entries = fields.filter((field) => field.number === TENSOR.external);
  const named = entries.find(({ payload }) => stringField(payload, 1) === 'location');
  if (named !== undefined) return stringField(named.payload, 2);
  return entries.length === 0 ? null : '';
}

export function readTensor(tensor: Uint8Array): TensorContent {
  const fields = [...readFields(tensor)];
  const element = elementName(lastVarint(tensor, TENSOR.type) ?? 0);
  const shape = fields
    .filter((field) => field.number === TENSOR.dimensions)
    .flatMap((field) => decodeVarints(field.payload).map(Number));
  const name = fields.findLast((field) => field.number === TENSOR.name);
  const parts = fields.map((field) => decodeField(element, field)).filter((part) => part !== null);
  return {
    name: name === undefined ? '' : decodeText(name.payload),
    element,
    shape,
    numbers: joined(parts),
    externalFile: locationOf(fields),
  };
}
