/**
 * Port: writer schemas by the id that records in Confluent wire format carry.
 *
 * Guarantees an adapter gives (held by test/contract/schema-source.contract.ts):
 * - a known id resolves to its schema as parsed JSON, the same each time: ids are never reused;
 * - an id that is not known resolves to `null`;
 * - an id under which something else is kept (no Avro, too large, not JSON) rejects with
 *   `decode.unknown-schema` and the reason: asking again gives the same;
 * - a source that does not answer rejects with `dependency.registry`; the caller retries.
 */
export interface SchemaSource {
  /** `schemaId`: an unsigned 32-bit integer. */
  fetch(schemaId: number): Promise<unknown | null>;
}
