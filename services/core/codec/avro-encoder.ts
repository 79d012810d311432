/**
 * Avro for our own records (prediction, pane, report), whose schemas are part of the program.
 *
 * What is read back is expected to be what was written: anything else is `state.corrupt`, never a
 * guess. Users' events do not come this way, see avro-reader.ts.
 *
 *     single-object = 0xC3 0x01 fingerprint datum
 *     fingerprint   = 8 bytes, CRC-64-AVRO of the schema's canonical form, least significant first
 */
import avro from 'avsc';
import { CodedError } from '../errors.ts';
import { schemaFingerprint } from './schema-fingerprint.ts';

export { crc64Avro, schemaFingerprint } from './schema-fingerprint.ts';

export interface AvroCodec<T> {
  /** CRC-64-AVRO, least significant byte first. */
  readonly fingerprint: Uint8Array;
  /** The bare datum, in a buffer of its own. Throws on a value that is not of the schema. */
  encode(value: T): Uint8Array;
  /** Throws `state.corrupt`. */
  decode(bytes: Uint8Array): T;
  encodeSingleObject(value: T): Uint8Array;
  /** Throws `state.corrupt`, also where the bytes carry another schema's fingerprint. */
  decodeSingleObject(bytes: Uint8Array): T;
}

const HEADER_BYTES = 10;

/** `schema` is parsed JSON; throws where it is not an Avro schema. Unions are read unwrapped. */
export function createAvroCodec<T>(schema: unknown): AvroCodec<T> {
  const type = avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true });
  const name = type.name ?? type.typeName;
  const fingerprint = schemaFingerprint(schema);
  const header = Buffer.from([0xc3, 0x01, ...fingerprint]);

  function decode(bytes: Uint8Array): T {
    try {
      return type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as T;
    } catch (error) {
      throw new CodedError('state.corrupt', `${bytes.length} bytes are not a ${name}: ${error}`, {
        cause: error,
      });
    }
  }

  return {
    fingerprint,
    encode: (value) => type.toBuffer(value),
    decode,
    encodeSingleObject: (value) => Buffer.concat([header, type.toBuffer(value)]),
    decodeSingleObject: (bytes) => {
      if (Buffer.compare(bytes.subarray(0, HEADER_BYTES), header) !== 0) {
        const found = Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString('hex');
        const expected = header.toString('hex');
        throw new CodedError('state.corrupt', `header ${found}, expected ${expected} of ${name}`);
      }
      return decode(bytes.subarray(HEADER_BYTES));
    },
  };
}
