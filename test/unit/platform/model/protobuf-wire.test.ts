/** Laws of the wire walker: it keeps every byte, and refuses hostile ones with its own error only. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeText,
  encodeBytesField,
  encodeVarint,
  encodeVarintField,
  readFields,
  stringField,
  WireFormatError,
} from '../../../../services/platform/model/protobuf-wire.ts';

const number = fc.integer({ min: 1, max: 0x1fffffff });
const field = fc.oneof(
  fc.tuple(number, fc.uint8Array({ maxLength: 300 })),
  fc.tuple(number, fc.maxSafeNat()),
);

function encode([fieldNumber, value]: readonly [number, Uint8Array | number]): Uint8Array {
  return typeof value === 'number'
    ? encodeVarintField(fieldNumber, value)
    : encodeBytesField(fieldNumber, value);
}

describe('readFields', () => {
  it('reads back what was written, in order', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const read = [...readFields(Buffer.concat(fields.map(encode)))];
        expect(read.map((one) => one.number)).toEqual(fields.map(([n]) => n));
        for (const [index, [, value]] of fields.entries()) {
          const payload = typeof value === 'number' ? encodeVarint(value) : value;
          expect([...read[index]!.payload]).toEqual([...payload]);
        }
      }),
    );
  });

  it('accounts for every byte of whatever it accepts, and throws nothing but WireFormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const encoded = [...readFields(bytes)].map((one) => one.encoded);
          expect([...Buffer.concat(encoded)]).toEqual([...bytes]);
        } catch (error) {
          if (!(error instanceof WireFormatError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, string, RegExp]>([
    ['a tag cut short', '80', /end inside a number/],
    ['a number of eleven bytes', '08ffffffffffffffffffff01', /longer than 10 bytes/],
    ['a length beyond the end', '0a05616263', /longer than the message/],
    ['a length of 2^63', '0affffffffffffffffff7f', /longer than the message/],
    ['a fixed64 cut short', '0901020304', /end inside a field/],
    ['a fixed32 cut short', '0d010203', /end inside a field/],
    ['a group', '0b0c', /wire type 3/],
    ['an unassigned wire type', '0e00', /wire type 6/],
    ['field number 0', '0200', /field number 0/],
  ])('refuses %s', (_, hex, says) => {
    expect(() => [...readFields(Buffer.from(hex, 'hex'))]).toThrow(says);
  });
});

describe('stringField', () => {
  it('is the last occurrence, and empty where there is none', () => {
    const bytes = Buffer.concat(
      ['first', 'läst'].map((text) => encodeBytesField(4, Buffer.from(text, 'utf8'))),
    );
    expect(stringField(bytes, 4)).toBe('läst');
    expect(stringField(bytes, 5)).toBe('');
    expect(decodeText(Buffer.from('läst', 'utf8'))).toBe('läst');
  });
});
