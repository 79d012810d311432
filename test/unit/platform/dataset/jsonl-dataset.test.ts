/** JSON lines: every line comes out, the good ones as objects, all of them as their bytes. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineTooLong, splitLines } from '../../../../services/platform/dataset/lines.ts';
import { openForTest, readEvents, writeDataFile } from '../../../support/dataset-files.ts';

describe('a JSON-lines file', () => {
  it('gives objects, bytes and line numbers; blank lines count as lines, not as rows', async () => {
    const file = writeDataFile('a.jsonl', '\ufeff{"a":1}\r\n\n  \n{"b":{"c":[2]}}\n{"a":"é"}');
    const rows = await readEvents(file);
    expect(rows.map(({ event }) => event)).toEqual([{ a: 1 }, { b: { c: [2] } }, { a: 'é' }]);
    expect(rows.map(({ index, place }) => [index, place])).toEqual([
      [0, 'line 1'],
      [1, 'line 4'],
      [2, 'line 5'],
    ]);
    expect(Buffer.from(rows[2]!.bytes).toString()).toBe('{"a":"é"}');
    expect(await openForTest(file)).toMatchObject({ kind: 'events', writerSchema: null });
  });

  it('hands over what is no object, for whoever quarantines it', async () => {
    const file = writeDataFile('a.ndjson', '{"a":1\n[1]\nnull\n"text"\n{"a":1}\n');
    const rows = await readEvents(file);
    expect(rows.map(({ event }) => event)).toEqual([null, null, null, null, { a: 1 }]);
    expect(Buffer.from(rows[0]!.bytes).toString()).toBe('{"a":1');
  });

  it('hands over an event far beyond what the pipeline takes', async () => {
    const file = writeDataFile('a.jsonl', `{"a":"${'x'.repeat(10_000_000)}"}\n{"a":1}\n`);
    const rows = await readEvents(file);
    expect(rows.map(({ bytes }) => bytes.length)).toEqual([10_000_008, 7]);
  });

  it('is read gzipped and in ranges', async () => {
    const lines = Array.from({ length: 1_500 }, (_, n) => `{"n":${n}}\n`).join('');
    const file = writeDataFile('a.jsonl.gz', gzipSync(lines));
    for (const [from, to] of [
      [0, 3],
      [511, 1_030],
      [1_400, 9_999],
      [1_500, 1_600],
    ] as const) {
      const rows = await readEvents(file, { from, to });
      const expected = Array.from({ length: Math.min(to, 1_500) - from }, (_, n) => from + n);
      expect(rows.map(({ index }) => index)).toEqual(expected);
      expect(rows.map(({ event }) => event?.n)).toEqual(expected);
    }
  });

  it('ends where it is cut', async () => {
    const file = writeDataFile('a.jsonl.gz', gzipSync('{"n":1}\n').subarray(0, -9));
    await expect(readEvents(file)).rejects.toThrow(/a\.jsonl\.gz: the gzip file ends too early/);
  });
});

describe('splitLines', () => {
  it('gives the same lines however the bytes are cut into chunks', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r\n', ' '), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.integer({ min: 1, max: 7 })), async (content, sizes) => {
        const bytes = Buffer.from(content);
        const chunks: Buffer[] = [];
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = sizes.length === 0 ? 5 : sizes[n % sizes.length]!;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const lines: string[] = [];
        for await (const some of splitLines(Readable.from(chunks), 1_000)) {
          lines.push(...some.map((line) => line.toString()));
        }
        const expected = content.split('\n').map((line) => line.replace(/\r$/, ''));
        if (content === '' || content.endsWith('\n')) expected.pop();
        expect(lines).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a line beyond the limit before it has all of it', async () => {
    let given = 0;
    async function* endless() {
      yield Buffer.from('short\n');
      for (; given < 1_000; given += 1) yield Buffer.alloc(10, 0x61);
    }
    const reading = (async () => {
      for await (const _ of splitLines(endless(), 100));
    })();
    await expect(reading).rejects.toThrow(LineTooLong);
    await expect(reading).rejects.toMatchObject({ line: 2 });
    expect(given).toBeLessThan(20);
  });
});
