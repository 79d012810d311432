/** Relations: those that held, against a plain check of every pair on every row; and the few proposed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relationMistake } from '../../../services/core/monitor/relation.ts';
import { createColumnSketch } from '../../../services/core/sketch/column-sketch.ts';
import {
  proposeRelations,
  type RelationColumn,
} from '../../../services/profile/propose-relations.ts';
import { RELATION_COLUMNS_MAX, RelationSurvey } from '../../../services/profile/relation-survey.ts';

type Row = readonly (number | null)[];

function survey(rows: readonly Row[], columnCount: number, segmentRows: number): RelationSurvey {
  const relations = new RelationSurvey();
  for (let index = 0; index < columnCount; index += 1) relations.addColumn(index);
  for (let from = 0; from < rows.length; from += segmentRows) {
    const some = rows.slice(from, from + segmentRows);
    const segments = Array.from({ length: columnCount }, (_, index) => ({
      index,
      numbers: Float64Array.from(some, (row) => row[index] ?? Number.NaN),
      texts: [],
    }));
    relations.add(segments, some.length);
  }
  return relations;
}

describe('relations that held', () => {
  it('are those that a plain look at every row finds', () => {
    const cell = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 6 }) },
      fc.constant(Number.POSITIVE_INFINITY),
      fc.constant(null),
    );
    const row = fc.tuple(cell, cell, cell).map(([a, b, c]): Row => {
      const known = [a, b].filter((value) => value !== null);
      // A fourth column that is never below the first two, so that something holds.
      return [a, b, c, known.length === 0 ? null : Math.max(...known)];
    });
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (rows, size) => {
          const expected = [];
          for (let lower = 0; lower < 4; lower += 1) {
            for (let upper = 0; upper < 4; upper += 1) {
              const both = rows.filter((each) => each[lower] !== null && each[upper] !== null);
              const holds = both.every((each) => each[lower]! <= each[upper]!);
              if (lower === upper || both.length === 0 || !holds) continue;
              expected.push({ lower, upper, rowCount: both.length });
            }
          }
          const order = (one: { lower: number; upper: number }) => 4 * one.lower + one.upper;
          const held = survey(rows, 4, size).held.toSorted(
            (one, other) => order(one) - order(other),
          );
          expect(held).toEqual(expected);
        },
      ),
    );
  });

  it('forget columns that are no numbers, and look at no more columns than they can', () => {
    const rows = Array.from({ length: 10 }, (_, n): Row => [n, n + 1, n + 2]);
    const relations = survey(rows, 3, 4);
    relations.retain((index) => index !== 1);
    expect(relations.held).toEqual([{ lower: 0, upper: 2, rowCount: 10 }]);
    const many = new RelationSurvey();
    for (let index = 0; index < RELATION_COLUMNS_MAX + 1; index += 1) many.addColumn(index);
    const last = { index: RELATION_COLUMNS_MAX, numbers: Float64Array.of(1), texts: [] };
    many.add([{ index: 0, numbers: Float64Array.of(1), texts: [] }, last], 1);
    expect(many.held).toEqual([]);
  });
});

describe('relations that are proposed', () => {
  const COUNT = 2_000;
  const noise = (row: number, salt: number) => ((row * 7_919 + salt * 104_729) % 1_009) / 1_009;

  function propose(columns: Readonly<Record<string, (row: number) => number>>) {
    const names = Object.keys(columns);
    const rows = Array.from(
      { length: COUNT },
      (_, row): Row => names.map((name) => columns[name]!(row)),
    );
    const known = names.map((name, index): [number, RelationColumn] => {
      const sketch = createColumnSketch('numeric');
      for (const row of rows) sketch.add(row[index]!);
      return [index, { name, sketch, distinctCount: new Set(rows.map((row) => row[index])).size }];
    });
    return proposeRelations(survey(rows, names.length, 512).held, new Map(known));
  }

  it('name both columns, the expression and the rows', () => {
    const spent = (row: number) => noise(row, 1) * 100;
    const proposed = propose({ spent, 'order.limit': (row) => spent(row) + noise(row, 2) * 20 });
    expect(proposed).toEqual([
      {
        name: 'spent-at-most-order.limit',
        expression: 'event.spent <= event.order.limit',
        rowCount: COUNT,
      },
    ]);
  });

  it('are none where ranges lie apart or hardly meet, or nothing but codes is compared', () => {
    expect(propose({ small: (row) => noise(row, 1), large: (row) => 10 + noise(row, 2) })).toEqual(
      [],
    );
    const touching = (row: number) => (row === 7 ? 0.5 : 5 + noise(row, 2));
    expect(propose({ small: (row) => (row === 7 ? 0.1 : noise(row, 1)), touching })).toEqual([]);
    const flag = (row: number) => row % 2;
    expect(propose({ flag, other: (row) => Math.max(flag(row), row % 3 === 0 ? 1 : 0) })).toEqual(
      [],
    );
  });

  it('leave out what follows from others, and say equal once', () => {
    const low = (row: number) => noise(row, 1) * 100;
    const middle = (row: number) => low(row) + noise(row, 2) * 50;
    const high = (row: number) => middle(row) + noise(row, 3) * 50;
    const proposed = propose({ high, low, middle, again: low });
    expect(proposed.map(({ expression }) => expression).toSorted()).toEqual([
      'event.again <= event.middle',
      'event.low == event.again',
      'event.middle <= event.high',
    ]);
  });

  it('are a handful of many, and expressions that compile whatever the names', () => {
    const names = [
      'in',
      'null',
      'a.function',
      'x',
      'b.c.d',
      '_y',
      'package',
      'true',
      'k',
      'l',
      'm',
      'n',
    ];
    const columns = names.map((name, position): [string, (row: number) => number] => [
      name,
      (row) => noise(row, Math.floor(position / 2)) * 100 + (position % 2) * 10 * noise(row, 9),
    ]);
    const proposed = propose(Object.fromEntries(columns));
    expect(proposed).toHaveLength(5);
    const fields = {
      in: 'any',
      null: 'any',
      a: 'any',
      x: 'any',
      b: 'any',
      _y: 'any',
      package: 'any',
      true: 'any',
      k: 'any',
      l: 'any',
      m: 'any',
      n: 'any',
    } as const;
    for (const { name, expression } of proposed) {
      expect(relationMistake(expression, fields)).toBeNull();
      expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
    }
  });
});
