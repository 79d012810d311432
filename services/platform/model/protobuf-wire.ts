/**
 * The part of the protobuf wire format needed to edit a message without knowing its whole schema:
 * walk the fields, keep the bytes of those that stay, write new ones.
 *
 *   message := field*
 *   field   := tag payload            tag = varint of (number << 3 | wire type)
 *   payload := varint                 wire type 0
 *            | 8 bytes                wire type 1
 *            | varint length, bytes   wire type 2
 *            | 4 bytes                wire type 5
 *   varint  := up to 10 bytes, 7 bits each, least significant first, high bit set on all but the last
 *
 * Every length is checked against the end of the message it stands in; the deprecated groups (wire
 * types 3 and 4) are refused.
 */

export class WireFormatError extends Error {}

export interface WireField {
  readonly number: number;
  readonly wireType: 0 | 1 | 2 | 5;
  /** Tag and payload, as they stand in the message. */
  readonly encoded: Uint8Array;
  /** Wire type 2: the bytes after the length; otherwise the bytes after the tag. */
  readonly payload: Uint8Array;
}

interface Varint {
  readonly value: bigint;
  readonly next: number;
}

function readVarint(bytes: Uint8Array, start: number): Varint {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new WireFormatError('the bytes end inside a number');
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value, next: start + index + 1 };
  }
  throw new WireFormatError('a number is longer than 10 bytes');
}

function payloadRange(bytes: Uint8Array, wireType: number, start: number): [number, number] {
  switch (wireType) {
    case 0:
      return [start, readVarint(bytes, start).next];
    case 1:
      return [start, start + 8];
    case 2: {
      const { value, next } = readVarint(bytes, start);
      if (value > BigInt(bytes.length - next)) {
        throw new WireFormatError('a field is longer than the message it stands in');
      }
      return [next, next + Number(value)];
    }
    case 5:
      return [start, start + 4];
    default:
      throw new WireFormatError(`wire type ${wireType} is not supported`);
  }
}

/** The fields of one message in their order; the arrays are views of `bytes`. */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  let start = 0;
  while (start < bytes.length) {
    const tag = readVarint(bytes, start);
    const number = Number(tag.value >> 3n);
    if (number < 1 || number > 0x1fffffff) {
      throw new WireFormatError(`field number ${number} is out of range`);
    }
    const wireType = Number(tag.value & 7n);
    const [from, to] = payloadRange(bytes, wireType, tag.next);
    if (to > bytes.length) throw new WireFormatError('the bytes end inside a field');
    yield {
      number,
      wireType: wireType as WireField['wireType'],
      encoded: bytes.subarray(start, to),
      payload: bytes.subarray(from, to),
    };
    start = to;
  }
}

export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A field of wire type 2. */
export function encodeBytesField(number: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([encodeVarint(number * 8 + 2), encodeVarint(payload.length), payload]);
}

/** A field of wire type 0. */
export function encodeVarintField(number: number, value: number): Uint8Array {
  return Buffer.concat([encodeVarint(number * 8), encodeVarint(value)]);
}

/** The last occurrence of a string field, as protobuf reads it; `''` where there is none. */
export function stringField(message: Uint8Array, number: number): string {
  let text = '';
  for (const field of readFields(message)) {
    if (field.number === number && field.wireType === 2) text = decodeText(field.payload);
  }
  return text;
}

export function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
