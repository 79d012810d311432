/**
 * CRC-64-AVRO over a schema's Parsing Canonical Form, the fingerprint of Avro's single-object
 * encoding (Avro specification, "Schema Fingerprints"). avsc prints the canonical form; its own
 * `fingerprint()` is MD5.
 *
 * Fingerprints are 8 bytes in the order in which they stand in a message, least significant first.
 */
import { parseAvroType } from './avro-schema.ts';

const EMPTY = 0xc15d213aa4d7a795n;

const TABLE: BigUint64Array = BigUint64Array.from({ length: 256 }, (_, index) => {
  let fingerprint = BigInt(index);
  for (let bit = 0; bit < 8; bit++) {
    fingerprint = (fingerprint >> 1n) ^ (EMPTY & -(fingerprint & 1n));
  }
  return fingerprint;
});

export function crc64Avro(bytes: Uint8Array): bigint {
  let fingerprint = EMPTY;
  for (const byte of bytes) {
    fingerprint = (fingerprint >> 8n) ^ TABLE[Number(fingerprint & 0xffn) ^ byte]!;
  }
  return fingerprint;
}

/** Throws an `Error` where `schema`, parsed JSON, is not an Avro schema. */
export function canonicalForm(schema: unknown): string {
  return JSON.stringify(parseAvroType(schema).schema());
}

/** Throws an `Error` where `schema`, parsed JSON, is not an Avro schema. */
export function schemaFingerprint(schema: unknown): Uint8Array {
  const bytes = new Uint8Array(8);
  const canonical = new TextEncoder().encode(canonicalForm(schema));
  new DataView(bytes.buffer).setBigUint64(0, crc64Avro(canonical), true);
  return bytes;
}

/** 16 lower-case hex digits, in the order of the bytes. */
export function fingerprintText(fingerprint: Uint8Array): string {
  return Buffer.from(fingerprint).toString('hex');
}
