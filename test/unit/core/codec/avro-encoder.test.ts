/** The codec of our own records: what was written comes back, anything else is corrupt. */
import { describe, expect, test } from 'vitest';
import { createAvroCodec } from '../../../../services/core/codec/avro-encoder.ts';
import { CodedError } from '../../../../services/core/errors.ts';

const SCHEMA = {
  type: 'record',
  name: 'tidegauge.Sample',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'state', type: 'bytes' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
};
const VALUE = { n: 3, state: Buffer.from([1, 2]), note: 'x' };
const codec = createAvroCodec<typeof VALUE>(SCHEMA);

function codeOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return 'decoded';
}

describe('a record', () => {
  test('comes back as it was, with a fingerprint and without', () => {
    expect(codec.decode(codec.encode(VALUE))).toEqual(VALUE);
    const message = codec.encodeSingleObject(VALUE);
    expect(message.subarray(0, 2)).toEqual(Buffer.from([0xc3, 0x01]));
    expect(message.subarray(2, 10)).toEqual(Buffer.from(codec.fingerprint));
    expect(codec.decodeSingleObject(message)).toEqual(VALUE);
  });

  test('is encoded into a buffer of its own', () => {
    const first = codec.encode(VALUE);
    const copy = Uint8Array.from(first);
    codec.encode({ ...VALUE, n: -1_000_000 });
    expect(Uint8Array.from(first)).toEqual(copy);
  });

  test('cut short, prolonged or of another schema is corrupt', () => {
    const bytes = codec.encode(VALUE);
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(() => codec.decode(bytes.subarray(0, length)))).toBe('state.corrupt');
    }
    expect(codeOf(() => codec.decode(Buffer.concat([bytes, Buffer.alloc(1)])))).toBe(
      'state.corrupt',
    );
    const other = createAvroCodec({ ...SCHEMA, name: 'tidegauge.Other' }).encodeSingleObject(VALUE);
    expect(codeOf(() => codec.decodeSingleObject(other))).toBe('state.corrupt');
    expect(codeOf(() => codec.decodeSingleObject(bytes))).toBe('state.corrupt');
    expect(codeOf(() => codec.decodeSingleObject(Buffer.alloc(0)))).toBe('state.corrupt');
  });
});
