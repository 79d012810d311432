/**
 * One pass finds what two would: the sketches of a column are those of its values read as what it
 * turned out to be, whatever came first; and the file is read once.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBooleanText, parseNumberText } from '../../../services/core/monitor/cell-text.ts';
import {
  type ColumnSketch,
  createColumnSketch,
  encodeColumnSketch,
} from '../../../services/core/sketch/column-sketch.ts';
import type { ValueType } from '../../../services/profile/classify-column.ts';
import { type ProfileResult, profileDataset } from '../../../services/profile/profile.ts';
import { SETTLE_ROWS } from '../../../services/profile/read-pass.ts';
import { eventsOf, tableOf } from '../../support/dataset-files.ts';

type Cell = string | number | boolean | null;

/** The second pass there no longer is. */
function sketchOf(
  cells: readonly Cell[],
  type: 'numeric' | 'categorical',
  as: ValueType,
): ColumnSketch {
  const sketch = createColumnSketch(type);
  for (const cell of cells) {
    const value = cell === null || cell === '' ? null : readAs(cell, as);
    if (value === null || Number.isNaN(value)) sketch.addMissing();
    else if (sketch.kind === 'numeric') sketch.add(Number(value));
    else sketch.add(String(value));
  }
  if (sketch.kind === 'numeric') sketch.compact();
  return sketch;
}

function readAs(cell: NonNullable<Cell>, as: ValueType): number | string | null {
  if (as === 'string') return String(cell);
  if (as === 'boolean') {
    const value = typeof cell === 'string' ? parseBooleanText(cell) : cell;
    return typeof value === 'boolean' ? String(value) : null;
  }
  if (typeof cell === 'boolean') return null;
  return typeof cell === 'string' ? parseNumberText(cell) : cell;
}

const hex = (sketch: ColumnSketch) => Buffer.from(encodeColumnSketch(sketch)).toString('hex');
const planOf = (result: ProfileResult, name: string) =>
  result.columns.find((column) => column.name === name)!;

describe('one pass', () => {
  it('gives every column and slice the sketch that reading it again would', async () => {
    const numbers = fc.oneof(
      fc.integer().map(String),
      fc.double({ noNaN: true }).map(String),
      fc.integer({ min: 0, max: 3 }).map(String),
    );
    const missing = fc.constantFrom<Cell>('', null, 'NA', 'null');
    const kinds = [
      numbers,
      fc.constantFrom('true', 'False', 'TRUE'),
      fc.constantFrom('red', 'green', 'blue'),
      fc.constantFrom('007', '010', '1'),
      fc.oneof({ weight: 150, arbitrary: numbers }, fc.constant('oops')),
    ];
    const column = fc.constantFrom(...kinds).chain((kind) =>
      fc.array(fc.oneof({ weight: 9, arbitrary: kind as fc.Arbitrary<Cell> }, missing), {
        minLength: 150,
        maxLength: 150,
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(column, { minLength: 1, maxLength: 3 }), async (columns) => {
        const all = [...columns, columns[0]!.map((_, row) => String((row * row) % 37))];
        const names = all.map((_, index) => `c${index}`);
        const slice: Cell[] = columns[0]!.map((_, row) => ['true', 'True', 'false', ''][row % 4]!);
        const result = await profileDataset({
          dataset: tableOf([...names, 's'], 150, (row) =>
            [...all, slice].map((cells) => cells[row]!),
          ),
          sliceColumns: ['s'],
        });
        for (const [name, sketch] of result.reference.columns) {
          const { type, valueType } = planOf(result, name);
          const cells = name === 's' ? slice : all[names.indexOf(name)]!;
          expect(hex(sketch), name).toBe(hex(sketchOf(cells, type, valueType)));
          // Two spellings of a value are one slice, whose digest is merged rather than read.
          const inSlice = cells.filter((_, row) => row % 4 < 2);
          const expected = sketchOf(inSlice, type, valueType);
          const { count, missingCount } = result.reference.slices.get('s=true')!.get(name)!;
          expect({ count, missingCount }).toEqual({
            count: expected.count,
            missingCount: expected.missingCount,
          });
        }
        expect([...result.reference.slices.keys()]).toEqual(['s=true', 's=false']);
      }),
      { numRuns: 60 },
    );
  });

  it('opens the data once', async () => {
    let openings = 0;
    const dataset = tableOf(['x', 'y'], 2_000, (row) => [
      `${(row * 7_919) % 1_000}`,
      'ab'[row % 2]!,
    ]);
    const rows = dataset.rows.bind(dataset);
    Object.assign(dataset, {
      rows: (range: Parameters<typeof rows>[0]) => {
        openings += 1;
        return rows(range);
      },
    });
    await profileDataset({ dataset, sliceColumns: ['y'] });
    expect(openings).toBe(1);
  });

  it('counts a column that turns into text late exactly, and says what its slices lack', async () => {
    const late = SETTLE_ROWS + 500;
    const cellAt = (row: number) => (row < late ? `${row % 50}` : 'none');
    const rowCount = late + 2_000;
    const result = await profileDataset({
      dataset: tableOf(['code', 'kind', 'x'], rowCount, (row) => [
        cellAt(row),
        'ab'[row % 2]!,
        `${(row * row) % 997}`,
      ]),
      sliceColumns: ['kind'],
    });
    const plan = planOf(result, 'code');
    expect(plan).toMatchObject({ type: 'categorical', valueType: 'string', missingCount: 0 });
    const cells = Array.from({ length: rowCount }, (_, row) => cellAt(row));
    const expected = sketchOf(cells, 'categorical', 'string');
    expect(hex(result.reference.columns.get('code')!)).toBe(hex(expected));
    expect(result.reference.slices.get('kind=a')!.has('code')).toBe(false);
    expect(result.reference.slices.get('kind=a')!.get('x')).toMatchObject({ count: rowCount / 2 });
    expect(result.notes).toContainEqual(expect.stringMatching(/^code: looked like another type/));
  });

  it('counts the rows before a late field of events as missing, in slices too', async () => {
    const events = Array.from({ length: 1_000 }, (_, row) => ({
      kind: 'ab'[row % 2],
      x: (row * 7_919) % 997,
      ...(row < 600 ? {} : { late: row % 13 }),
    }));
    const batches = eventsOf(events);
    const dataset = {
      ...batches,
      async *rows() {
        for await (const [...all] of batches.rows()) {
          for (let from = 0; from < all.length; from += 100) yield all.slice(from, from + 100);
        }
      },
    } as typeof batches;
    const { reference } = await profileDataset({ dataset, sliceColumns: ['kind'] });
    expect(reference.columns.get('late')).toMatchObject({ count: 400, missingCount: 600 });
    expect(reference.slices.get('kind=b')!.get('late')).toMatchObject({
      count: 200,
      missingCount: 300,
    });
  });

  it('puts values beyond what memory allows into (other), and says so', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `x${index}`);
    const dataset = tableOf(['many', ...names], 3_000, (row) => [
      `m${row % 95}`,
      ...names.map((_, index) => `${(row * (index + 3)) % 101}`),
    ]);
    const { reference, notes } = await profileDataset({ dataset, sliceColumns: ['many'] });
    expect(reference.slices.size).toBeLessThan(95);
    expect(notes).toContainEqual(expect.stringContaining('(other)'));
    const counts = [...reference.slices.values()].map((columns) => columns.get('x0')!.count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3_000);
  });
});
