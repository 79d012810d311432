/** What producers send: every wire format in, and the inputs that have broken other pipelines. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import { createFileSchemaSource } from '../../services/platform/registry/file-schema-source.ts';
import type { ReplayRecord } from '../../services/replay/replay.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  runRecords,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';

const monitor = stationMonitor();
const codec = createAvroCodec<object>(EVENT_SCHEMA);
const event = (id: string): StationEvent => ({ id, at: 1_000, level: 1, station: 'Brest' });

function bytesRecord(value: Uint8Array | null): ReplayRecord {
  return { ...jsonRecord({}), value };
}

function confluent(schemaId: number, datum: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, datum]);
}

describe('wire formats', () => {
  it('reads JSON, Avro single-object and Confluent wire format side by side', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidegauge-schemas-'));
    // A newer writer: another field order and one field more.
    const [id, at, level, station] = EVENT_SCHEMA.fields;
    const extra = { name: 'sensor', type: 'string' };
    const newer = { ...EVENT_SCHEMA, fields: [station, extra, level, at, id] };
    await writeFile(join(folder, '7.avsc'), JSON.stringify(newer));
    await writeFile(join(folder, '8.avsc'), JSON.stringify({ ...EVENT_SCHEMA, fields: [id, at] }));
    const ports = { ...memoryPorts(), schemaSource: createFileSchemaSource(folder) };
    const result = await runRecords({
      monitor,
      reference: null,
      ports,
      partitionCount: 1,
      records: [
        jsonRecord(event('json')),
        bytesRecord(codec.encodeSingleObject(event('single'))),
        bytesRecord(
          confluent(7, createAvroCodec<object>(newer).encode({ ...event('new'), sensor: 's' })),
        ),
        bytesRecord(confluent(8, Buffer.from([2, 0x61, 2]))),
        bytesRecord(confluent(99, codec.encode(event('unknown')))),
      ],
    });
    await rm(folder, { recursive: true });
    expect(result.valid).toBe(3);
    expect(result.quarantinedByCode).toEqual({
      'decode.unknown-schema': 1,
      'schema.incompatible': 1,
    });
    const [report] = result.reports;
    expect(report).toMatchObject({ count: 3, verdict: 'no-reference' });
    expect(report!.columns.map((column) => [column.name, column.count])).toEqual([
      ['level', 3],
      ['station', 3],
    ]);
  });

  it('quarantines what would stop others, and goes on', async () => {
    const bombSchema = {
      ...EVENT_SCHEMA,
      fields: [
        ...EVENT_SCHEMA.fields,
        { name: 'tags', type: { type: 'array', items: 'null' }, default: [] },
      ],
    };
    // id "a", at 1, level null, station "b", then twenty million nulls in one block.
    const bomb = Buffer.concat([
      Buffer.from([2, 0x61, 2, 0, 2, 0x62]),
      Buffer.from([0x80, 0xb4, 0x89, 0x13]),
      Buffer.from([0]),
    ]);
    const deep = Buffer.from(`{"id":${'['.repeat(200_000)}`);
    const bombHeader = createAvroCodec<object>(bombSchema)
      .encodeSingleObject({ ...event('x'), tags: [] })
      .subarray(0, 10);
    const result = await runRecords({
      monitor,
      reference: null,
      eventSchema: bombSchema,
      partitionCount: 1,
      records: [
        bytesRecord(Buffer.concat([bombHeader, bomb])),
        bytesRecord(Buffer.alloc(10 * 1_048_576, 0x20)),
        bytesRecord(Buffer.alloc(17 * 1_048_576, 0x7b)),
        bytesRecord(deep),
        bytesRecord(null),
        bytesRecord(Buffer.from([0xff, 0xfe])),
        jsonRecord({ ...event('proto'), ['__proto__']: { polluted: true } }),
        jsonRecord(event('good')),
      ],
    });
    expect(result.published).toBe(8);
    expect(result.valid).toBe(2);
    expect(result.quarantinedByCode).toEqual({
      'decode.empty': 1,
      'decode.limit': 2,
      'decode.too-large': 2,
      'decode.unknown-format': 1,
    });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
