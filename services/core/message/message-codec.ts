/**
 * The wire form of our own records: Avro single-object encoding (see codec/avro-encoder.ts).
 *
 * Bytes that carry another schema's fingerprint are refused, not guessed at.
 */
import { createAvroCodec } from '../codec/avro-encoder.ts';
import { CodedError } from '../errors.ts';

export interface MessageCodec<T> {
  encode(message: T): Uint8Array;
  /** Throws `state.corrupt` naming what was expected. */
  decode(bytes: Uint8Array): T;
  /** `null` where the bytes are not such a message; for topics that somebody else might write to. */
  tryDecode(bytes: Uint8Array): T | null;
}

export function createMessageCodec<T>(schema: unknown): MessageCodec<T> {
  const codec = createAvroCodec<T>(schema);
  return {
    encode: codec.encodeSingleObject,
    decode: codec.decodeSingleObject,
    tryDecode: (bytes) => orNull(() => codec.decodeSingleObject(bytes)),
  };
}

export function orNull<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodedError && error.code === 'state.corrupt') return null;
    throw error;
  }
}

/** Avro `bytes` are Buffers to the encoder; a view, not a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
