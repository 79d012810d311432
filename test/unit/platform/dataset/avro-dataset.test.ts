/** Avro object container files: against avsc's own writer, against Apache's files, and torn ones. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { openForTest, readEvents, writeDataFile } from '../../../support/dataset-files.ts';
import { describeWithSharedData, sharedData } from '../../../support/shared-data.ts';

const SCHEMA: avro.Schema = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'value', type: ['null', 'double'], default: null },
    { name: 'text', type: 'string' },
  ],
};

const readingAt = (id: number) => ({
  id,
  value: id % 3 === 0 ? null : id / 7,
  text: 'ä'.repeat(id % 40),
});

async function container(count: number, codec: 'null' | 'deflate', schema = SCHEMA) {
  const encoder = new avro.streams.BlockEncoder(schema, { codec, blockSize: 4_096 });
  const sink = new PassThrough();
  encoder.pipe(sink);
  const bytes = buffer(sink);
  for (let id = 0; id < count; id += 1) {
    if (!encoder.write(readingAt(id))) await once(encoder, 'drain');
  }
  encoder.end();
  return bytes;
}

describe('an Avro container', () => {
  it.each(['null', 'deflate'] as const)(
    'with codec %s gives its records, bytes and schema',
    async (codec) => {
      const file = writeDataFile('a.avro', await container(3_000, codec));
      const rows = await readEvents(file);
      expect(rows.map(({ event }) => ({ ...event }))).toEqual(
        Array.from({ length: 3_000 }, (_, id) => readingAt(id)),
      );
      expect(rows.map(({ index }) => index)).toEqual(Array.from({ length: 3_000 }, (_, id) => id));
      const type = avro.Type.forSchema(SCHEMA);
      for (const row of rows.slice(0, 100)) {
        expect(Buffer.from(row.bytes)).toEqual(type.toBuffer(readingAt(row.index)));
      }
      const dataset = await openForTest(file);
      expect(dataset).toMatchObject({ kind: 'events', writerSchema: SCHEMA });
    },
  );

  it('is read in ranges, and again', async () => {
    const file = writeDataFile('a.avro', await container(3_000, 'deflate'));
    for (const [from, to] of [
      [0, 1],
      [700, 1_900],
      [700, 1_900],
      [2_999, 4_000],
    ] as const) {
      const rows = await readEvents(file, { from, to });
      const expected = Array.from({ length: Math.min(to, 3_000) - from }, (_, n) => from + n);
      expect(rows.map(({ event }) => event?.id)).toEqual(expected);
    }
  });

  it('tells how far it has come', async () => {
    const content = await container(3_000, 'null');
    const dataset = await openForTest(writeDataFile('a.avro', content));
    const seen: number[] = [];
    for await (const _ of dataset.rows()) seen.push(dataset.progress().done);
    expect(dataset.progress()).toEqual({
      done: content.length,
      total: content.length,
      unit: 'byte',
    });
    expect(new Set(seen).size).toBeGreaterThan(5);
  });

  it('is refused wherever it is cut, and never gives a record that is not in it', async () => {
    const content = await container(200, 'null');
    const whole = (await readEvents(writeDataFile('a.avro', content))).length;
    expect(whole).toBe(200);
    let refused = 0;
    for (let length = 0; length < content.length; length += 97) {
      const reading = readEvents(writeDataFile('a.avro', content.subarray(0, length)));
      const outcome = await reading.then(
        (rows) => rows.length,
        (error: unknown) => error,
      );
      if (typeof outcome === 'number') expect(outcome).toBeLessThan(200);
      else {
        expect(outcome).toMatchObject({ code: 'configuration.invalid' });
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(30);
  });

  it('survives any changed byte: read or refused, never a crash', async () => {
    const content = await container(20, 'null');
    for (let at = 0; at < content.length; at += 1) {
      const changed = Buffer.from(content);
      changed[at]! ^= 0xff;
      const reading = readEvents(writeDataFile('a.avro', changed));
      await reading.catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'configuration.invalid' });
      });
    }
  });

  it.each([
    [
      'an unknown codec',
      (bytes: Buffer) => replaced(bytes, 'deflate', 'bzip2xx'),
      /compressed with "bzip2xx", expected one of null, deflate, snappy, zstandard/,
    ],
    ['another file', () => Buffer.from('id,value\n1,2\n'), /is not an Avro object container file/],
    [
      'another sync marker',
      (bytes: Buffer) => withLastByte(bytes),
      /does not end with the file's sync marker/,
    ],
  ])('%s is refused by name', async (_, change, message) => {
    const file = writeDataFile('a.avro', change(await container(50, 'deflate')));
    await expect(readEvents(file)).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(message),
    });
  });

  it('of something else than records is refused', async () => {
    const encoder = new avro.streams.BlockEncoder('string');
    const bytes = buffer(encoder.pipe(new PassThrough()));
    encoder.end('text');
    const file = writeDataFile('a.avro', await bytes);
    await expect(readEvents(file)).rejects.toThrow(/holds string values, not records/);
  });

  it('refuses a long that a number cannot hold, naming the row', async () => {
    const content = await container(1, 'null', SCHEMA);
    const at = content.length - 16 - 3;
    const block = Buffer.concat([
      content.subarray(0, at - 2),
      Buffer.from([2, 24]),
      Buffer.from('feffffffffffffffff01', 'hex'),
      Buffer.from([0, 0]),
      content.subarray(-16),
    ]);
    await expect(readEvents(writeDataFile('a.avro', block))).rejects.toThrow(/row 0: .*precision/);
  });
});

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
}

function withLastByte(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1]! ^= 1;
  return changed;
}

describeWithSharedData("Apache Avro's interop files", () => {
  const open = async (name: string) =>
    (await readEvents(sharedData(`avro/interop/${name}`))).map(({ event }) => ({ ...event }));

  it.each(['weather.avro', 'weather-deflate.avro', 'weather-snappy.avro', 'weather-zstd.avro'])(
    '%s holds the weather',
    async (name) => {
      const expected = readFileSync(sharedData('avro/interop/weather.json'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(expected).toHaveLength(5);
      expect(await open(name)).toEqual(expected);
    },
  );

  it('a sync marker inside the metadata and unions are read', async () => {
    expect(await open('syncInMeta.avro')).toHaveLength(6_001);
    expect(await open('withUnion-data.avro')).toHaveLength(3);
    expect((await open('simple-data.avro'))[0]).toEqual({ text: 'hello' });
  });
});
