/**
 * Fetches the writer schemas that records in Confluent wire format name, before they are read.
 *
 * A reader decides without waiting; whatever it will need is brought here first, once per id. An id
 * the registry does not know is remembered as unknown, and its records are refused one by one.
 */
import type { EventReader } from '../../core/codec/event-reader.ts';
import { CodedError } from '../../core/errors.ts';
import type { SchemaSource } from './schema-source.ts';

type WriterSchemaReader = Pick<EventReader, 'addWriterSchema' | 'knowsWriterSchema'>;

const CONFLUENT_MAGIC = 0x00;
const CONFLUENT_HEADER_BYTES = 5;

export class WriterSchemas {
  readonly #source: SchemaSource | null;
  readonly #reader: WriterSchemaReader;

  /** Without a source, every id is unknown. */
  constructor(source: SchemaSource | null, reader: WriterSchemaReader) {
    this.#source = source;
    this.#reader = reader;
  }

  /** Throws `dependency.registry` when the registry does not answer; nothing is lost, call again. */
  async fetchFor(records: readonly { readonly value: Uint8Array | null }[]): Promise<void> {
    for (const { value } of records) {
      if (value === null || value[0] !== CONFLUENT_MAGIC || value.length < CONFLUENT_HEADER_BYTES)
        continue;
      const schemaId = new DataView(value.buffer, value.byteOffset).getUint32(1);
      if (this.#reader.knowsWriterSchema(schemaId)) continue;
      await this.#fetch(schemaId);
    }
  }

  async #fetch(schemaId: number): Promise<void> {
    try {
      const schema = this.#source === null ? null : await this.#source.fetch(schemaId);
      this.#reader.addWriterSchema(schemaId, schema);
    } catch (error) {
      // What is kept under this id is no Avro schema: its records are refused with that reason.
      if (!(error instanceof CodedError) || error.code !== 'decode.unknown-schema') throw error;
      this.#reader.addWriterSchema(schemaId, null, error.message);
    }
  }
}
