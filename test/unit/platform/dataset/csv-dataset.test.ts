/** CSV and TSV: what is read, in which order, and how a broken file is refused. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openForTest, readTable, writeDataFile } from '../../../support/dataset-files.ts';

const cellsOf = async (name: string, content: string | Uint8Array) =>
  (await readTable(writeDataFile(name, content))).map((row) => row.cells);

describe('a CSV file', () => {
  it('is read cell by cell: quotes, line breaks in cells, CRLF, a byte order mark, empty lines', async () => {
    const text =
      '\ufeffname,note\r\n"Braund, Mr. Owen","said ""no"""\r\n\r\nKelly,"two\r\nlines"\r\n,\r\n';
    const dataset = await openForTest(writeDataFile('a.csv', text));
    expect(dataset).toMatchObject({ kind: 'table', columns: ['name', 'note'] });
    expect(await cellsOf('a.csv', text)).toEqual([
      ['Braund, Mr. Owen', 'said "no"'],
      ['Kelly', 'two\r\nlines'],
      ['', ''],
    ]);
  });

  it('is read gzipped, and tab-separated', async () => {
    expect(await cellsOf('a.csv.gz', gzipSync('x,y\n1,2\n'))).toEqual([['1', '2']]);
    expect(await cellsOf('a.tsv', 'x\ty\n1,5\t2\n')).toEqual([['1,5', '2']]);
  });

  it('gives back whatever was written, in any number of batches', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', ' ', '😀', ';') });
    const row = fc.tuple(fc.constant('x'), cell, cell);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 1_200 }), async (rows) => {
        const quoted = (cells: readonly string[]) =>
          cells.map((each) => `"${each.replaceAll('"', '""')}"`).join(',');
        const file = writeDataFile(
          'a.csv',
          `a,b,c\n${rows.map((each) => `${quoted(each)}\n`).join('')}`,
        );
        const read = await readTable(file);
        expect(read.map((each) => each.cells)).toEqual(rows);
        expect(read.map((each) => each.index)).toEqual(rows.map((_, index) => index));
      }),
      { numRuns: 20 },
    );
  });

  it('gives a range of rows with their own numbers, and the same range again', async () => {
    const file = writeDataFile(
      'a.csv',
      `n\n${Array.from({ length: 2_000 }, (_, n) => `${n}\n`).join('')}`,
    );
    const dataset = await openForTest(file);
    for (const { from, to } of [
      { from: 0, to: 1 },
      { from: 500, to: 1_537 },
      { from: 500, to: 1_537 },
      { from: 1_999, to: 5_000 },
      { from: 3_000, to: 5_000 },
    ]) {
      const rows = await readTable(file, { from, to });
      const expected = Array.from(
        { length: Math.max(0, Math.min(to, 2_000) - from) },
        (_, n) => from + n,
      );
      expect(rows.map((row) => row.index)).toEqual(expected);
      expect(rows.map((row) => Number(row.cells[0]))).toEqual(expected);
    }
    expect(dataset.progress()).toMatchObject({ unit: 'byte', done: 0 });
    for await (const _ of dataset.rows());
    const { done, total } = dataset.progress();
    expect(done).toBe(total);
  });

  it('tells how far it has come while it is read', async () => {
    const file = writeDataFile('a.csv', `n\n${'0123456789\n'.repeat(200_000)}`);
    const dataset = await openForTest(file);
    const seen: number[] = [];
    for await (const _ of dataset.rows()) seen.push(dataset.progress().done);
    const { total } = dataset.progress();
    expect(total).toBe(2 + 11 * 200_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen[0]).toBeLessThan(total / 2);
    expect(new Set(seen).size).toBeGreaterThan(4);
  });
});

describe('a broken CSV file', () => {
  it.each([
    [
      'a short row',
      'a.csv',
      'x,y\n1,2\n\n3\n',
      /a\.csv:4: the row has 1 cells, expected 2 as in the header/,
    ],
    [
      'a long row',
      'a.csv',
      'x,y\n1,2,3\n',
      /a\.csv:2: the row has 3 cells, expected 2 as in the header/,
    ],
    ['a quote that never ends', 'a.csv', 'x,y\n"1,2\n3,4\n', /a\.csv:\d+: .*quote/i],
    ['a quote inside a cell', 'a.csv', 'x,y\n1,b"c"\n', /a\.csv:2: .*quote/i],
    ['nothing', 'a.csv', '', /a\.csv: expected a header row, found nothing/],
    ['gzip that is none', 'a.csv.gz', 'x,y\n1,2\n', /a\.csv\.gz: is not a valid gzip file/],
    [
      'gzip that ends too early',
      'a.csv.gz',
      gzipSync('x,y\n1,2\n').subarray(0, -9),
      /a\.csv\.gz: the gzip file ends too early/,
    ],
  ])('%s is refused with its place', async (_, name, content, message) => {
    await expect(readTable(writeDataFile(name, content))).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(message),
    });
  });

  it('a cell that swallows the rest of the file is refused before it fills the memory', async () => {
    const file = writeDataFile('a.csv', `x,y\n"1,2\n${'3,4\n'.repeat(600_000)}`);
    await expect(readTable(file)).rejects.toThrow(/a\.csv:\d+: .*record/i);
  });

  it('rows before the broken one are handed over', async () => {
    const file = writeDataFile('a.csv', `x,y\n${'1,2\n'.repeat(600)}oops\n`);
    const dataset = await openForTest(file);
    let count = 0;
    const reading = (async () => {
      for await (const batch of dataset.rows()) count += batch.length;
    })();
    await expect(reading).rejects.toThrow(/a\.csv:602:/);
    expect(count).toBe(512);
  });
});
