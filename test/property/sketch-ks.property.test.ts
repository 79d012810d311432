/**
 * KS from sketches against the exact one, on every numeric column of real tables: a reference of the
 * first rows, the rest in windows of several lengths, straight and put together from many parts.
 */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ks } from '../../services/core/distance/ks.ts';
import { NumericSketch } from '../../services/core/sketch/numeric-sketch.ts';
import { openDataset } from '../../services/platform/dataset/open-dataset.ts';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';
import { exactKs, runsOf, sketchOf } from '../unit/core/sketch/samples.ts';

const ERROR_MAX = 0.005;
const REFERENCE_ROWS = 8_000;
const WINDOW_ROWS = [100, 300, 500, 2_000, 10_000];
const PARTS = 1_000;

async function numericColumns(file: string): Promise<ReadonlyMap<string, Float64Array>> {
  const dataset = await openDataset(file);
  if (dataset.kind !== 'table') throw new Error(`${file} is no table`);
  const cells = dataset.columns.map((): string[] => []);
  for await (const batch of dataset.rows()) {
    for (const row of batch) {
      for (const [index, cell] of row.cells.entries()) cells[index]!.push(String(cell ?? ''));
    }
  }
  await dataset.close();
  return new Map(
    dataset.columns.flatMap((name, index): [string, Float64Array][] => {
      const texts = cells[index]!.filter((text) => text !== '' && text !== 'null');
      const numbers = Float64Array.from(texts, Number);
      return numbers.length > 0 && numbers.every(Number.isFinite) ? [[name, numbers]] : [];
    }),
  );
}

function sealed(values: Float64Array): NumericSketch {
  const sketch = sketchOf(values);
  sketch.compact();
  return sketch;
}

/** From a thousand sealed parts, all at once. */
function mergedAtOnce(values: Float64Array): NumericSketch {
  const merged = new NumericSketch();
  merged.mergeAll(runsOf(values, Math.min(PARTS, values.length)).map(sealed));
  merged.compact();
  return merged;
}

/** From a thousand sealed parts, in a thousand merges. */
function mergedInTurn(values: Float64Array): NumericSketch {
  const merged = new NumericSketch();
  for (const run of runsOf(values, Math.min(PARTS, values.length))) merged.mergeAll([sealed(run)]);
  merged.compact();
  return merged;
}

const WAYS = { straight: sealed, 'merged at once': mergedAtOnce, 'merged in turn': mergedInTurn };

function windowsOf(values: Float64Array, from: number): Float64Array[] {
  return WINDOW_ROWS.flatMap((length) => {
    const windows: Float64Array[] = [];
    for (let start = from; start + length <= values.length; start += length) {
      windows.push(values.subarray(start, start + length));
    }
    // Enough of them: the first, the last and some between.
    const step = Math.max(1, Math.floor(windows.length / 4));
    return windows.filter((_, index) => index % step === 0 || index === windows.length - 1);
  });
}

describeWithSharedData('KS from sketches is within 0.005 of the exact one', () => {
  const files = ['streams', 'labels'].flatMap((folder) =>
    readdirSync(sharedData(folder)).map((name) => `${folder}/${name}`),
  );

  test.each(files)('%s', { timeout: 60_000 }, async (file) => {
    const columns = await numericColumns(sharedData(file));
    expect(columns.size).toBeGreaterThan(0);
    const worst = { error: 0, where: '' };
    for (const [name, values] of columns) {
      const rows = Math.min(REFERENCE_ROWS, values.length >> 1);
      const reference = values.subarray(0, rows);
      const windows = [...windowsOf(values, rows), values.subarray(rows)];
      const exact = windows.map((window) => exactKs(reference, window));
      for (const [way, sketch] of Object.entries(WAYS)) {
        const expected = sketch(reference);
        windows.forEach((window, index) => {
          const error = Math.abs(ks(expected, sketch(window)) - exact[index]!);
          if (error > worst.error) {
            Object.assign(worst, { error, where: `${name}, ${window.length} rows, ${way}` });
          }
        });
      }
    }
    expect(worst.error, worst.where).toBeLessThanOrEqual(ERROR_MAX);
  });
});
