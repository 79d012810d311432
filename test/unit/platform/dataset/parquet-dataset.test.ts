/** Parquet: types, row groups, ranges, compression, and files that are none. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openForTest, readTable, writeDataFile } from '../../../support/dataset-files.ts';

type Options = Omit<Parameters<typeof parquetWriteBuffer>[0], 'columnData'>;

function parquet(columns: Record<string, readonly unknown[]>, options: Options = {}): Uint8Array {
  const columnData = Object.entries(columns).map(([name, data]) => ({ name, data: [...data] }));
  return new Uint8Array(parquetWriteBuffer({ columnData, ...options }));
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n / 8);

describe('a Parquet file', () => {
  it('gives numbers, text, booleans, missing values and instants as text', async () => {
    const file = writeDataFile(
      'a.parquet',
      parquet({
        number: [1.5, null, -3],
        text: ['a', 'ä', null],
        flag: [true, false, null],
        long: [1n, 2n ** 53n + 1n, null],
        time: [new Date(0), new Date('2020-10-01T01:02:03.004Z'), null],
        nested: [{ a: 1 }, { a: 2 }, null],
      }),
    );
    const dataset = await openForTest(file);
    expect(dataset).toMatchObject({
      kind: 'table',
      columns: ['number', 'text', 'flag', 'long', 'time', 'nested'],
    });
    expect((await readTable(file)).map((row) => row.cells)).toEqual([
      [1.5, 'a', true, 1n, '1970-01-01T00:00:00.000Z', { a: 1 }],
      [null, 'ä', false, 2n ** 53n + 1n, '2020-10-01T01:02:03.004Z', { a: 2 }],
      [-3, null, null, null, null, null],
    ]);
  });

  it.each(['UNCOMPRESSED', 'SNAPPY'] as const)('%s is read', async (codec) => {
    const file = writeDataFile('a.parquet', parquet({ x: numbers(5_000) }, { codec }));
    expect((await readTable(file)).map(({ cells }) => cells[0])).toEqual(numbers(5_000));
  });

  it('is read in ranges across row groups, row numbers intact', async () => {
    const file = writeDataFile(
      'a.parquet',
      parquet({ x: numbers(3_500), n: numbers(3_500).map(String) }, { rowGroupSize: 1_000 }),
    );
    for (const [from, to] of [
      [0, 10],
      [0, 3_500],
      [990, 2_100],
      [1_000, 2_000],
      [3_400, 9_999],
      [3_500, 9_999],
    ] as const) {
      const rows = await readTable(file, { from, to });
      const expected = Array.from({ length: Math.min(to, 3_500) - from }, (_, n) => from + n);
      expect(rows.map(({ index }) => index)).toEqual(expected);
      expect(rows.map(({ cells }) => cells)).toEqual(expected.map((n) => [n / 8, String(n / 8)]));
    }
  });

  it('counts its progress in rows', async () => {
    const file = writeDataFile(
      'a.parquet',
      parquet({ x: numbers(3_500) }, { rowGroupSize: 1_000 }),
    );
    const dataset = await openForTest(file);
    const seen: number[] = [];
    for await (const _ of dataset.rows()) seen.push(dataset.progress().done);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(dataset.progress()).toEqual({ done: 3_500, total: 3_500, unit: 'row' });
  });

  it.each([
    ['text', Buffer.from('x,y\n1,2\n3,4\n5,6\n')],
    ['nothing', Buffer.alloc(0)],
    ['a cut file', Buffer.from(parquet({ x: numbers(1_000) })).subarray(0, -20)],
  ])('%s is refused', async (_, content) => {
    await expect(readTable(writeDataFile('a.parquet', content))).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(/a\.parquet: is not readable Parquet: /),
    });
  });

  it('damage inside a row group names the rows', async () => {
    const content = Buffer.from(parquet({ x: numbers(1_000).map(String) }, { codec: 'SNAPPY' }));
    content.fill(0xff, 4, 200);
    await expect(readTable(writeDataFile('a.parquet', content))).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(/a\.parquet: rows 0:1000: /),
    });
  });
});
