/** Which reader a file gets, and what is said of a file that gets none; row ranges as text. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DATASET_EXTENSIONS,
  openDataset,
} from '../../../../services/platform/dataset/open-dataset.ts';
import { parseRowRange } from '../../../../services/platform/dataset/row-range.ts';
import { openForTest, temporaryFolder, writeDataFile } from '../../../support/dataset-files.ts';

const refusal = (message: RegExp) => ({
  code: 'configuration.invalid',
  message: expect.stringMatching(message),
});

describe('openDataset', () => {
  it('goes by the extension, whatever its case', async () => {
    expect((await openForTest(writeDataFile('A.CSV', 'x\n1\n'))).kind).toBe('table');
    expect((await openForTest(writeDataFile('a.b.JSONL', '{}\n'))).kind).toBe('events');
  });

  it('names the formats where it knows none', async () => {
    const file = writeDataFile('a.xlsx', 'x');
    await expect(openDataset(file)).rejects.toMatchObject(
      refusal(/a\.xlsx: unknown format.*\.csv\.gz.*\.parquet/),
    );
  });

  it.each(DATASET_EXTENSIONS)('says that there is no such file for %s', async (extension) => {
    const file = join(temporaryFolder(), `absent${extension}`);
    await expect(openDataset(file)).rejects.toMatchObject(refusal(/absent.*: no such file/));
  });

  it('refuses a folder', async () => {
    const folder = join(temporaryFolder(), 'folder.csv');
    mkdirSync(folder);
    await expect(openDataset(folder)).rejects.toMatchObject(
      refusal(/folder\.csv: expected a file/),
    );
  });
});

describe('parseRowRange', () => {
  it('reads every range it can write', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1 }), (from, length) => {
        const to = from + length;
        expect(parseRowRange(`${from}:${to}`)).toEqual({ from, to });
      }),
    );
  });

  it('leaves either end open', () => {
    expect(parseRowRange('100:')).toEqual({ from: 100, to: Number.POSITIVE_INFINITY });
    expect(parseRowRange(':100')).toEqual({ from: 0, to: 100 });
  });

  it.each(['', ':', '5', '5:5', '6:5', '-1:5', '1.5:2', 'a:b', '1:2:3', ' 1:2'])(
    'refuses %j',
    (text) => {
      expect(() => parseRowRange(text)).toThrow(
        expect.objectContaining({ code: 'configuration.invalid' }),
      );
    },
  );
});
