/** Headers → field paths: legal, distinct, and the same for whoever asks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAvroSchema } from '../../../../services/core/codec/avro-schema.ts';
import { eventFields } from '../../../../services/core/monitor/event-field.ts';
import {
  columnNameOf,
  eventFieldPaths,
  freeFieldName,
} from '../../../../services/core/monitor/field-name.ts';
import { recordSchema } from '../../../../services/profile/event-schema.ts';

const named = (headers: readonly string[]) => eventFieldPaths(headers).map(columnNameOf);

describe('eventFieldPaths', () => {
  it.each([
    [
      ['age', 'applicant.age', 'home.dest'],
      ['age', 'applicant.age', 'home.dest'],
    ],
    [
      ['0', '45', '1.5', ''],
      ['column_0', 'column_45', 'column_1_5', 'column_3'],
    ],
    [
      ['Passenger Id', 'age (years)', '%', 'Größe'],
      ['Passenger_Id', 'age_years', 'column_2', 'Gr_e'],
    ],
    [
      ['a', 'a', 'a_2', 'a'],
      ['a', 'a_2', 'a_2_2', 'a_3'],
    ],
    [
      ['a', 'a.b', 'c.d', 'c'],
      ['a', 'a_b', 'c.d', 'c_2'],
    ],
    [
      ['__proto__', 'x.__proto__', 'constructor'],
      ['proto', 'x___proto', 'constructor'],
    ],
    [
      ['.a', 'a..b', 'a.1'],
      ['a', 'a_b', 'a_1'],
    ],
  ])('%j', (headers, expected) => {
    expect(named(headers)).toEqual(expected);
  });

  const header = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '_', '1', ' '), maxLength: 6 }),
    fc.string({ minLength: 120, maxLength: 300, unit: fc.constantFrom('a', '.') }),
  );

  it('gives paths that one Avro schema can hold, each at its own place', () => {
    fc.assert(
      fc.property(fc.array(header, { minLength: 1, maxLength: 30 }), (headers) => {
        const paths = eventFieldPaths(headers);
        const fields = paths.map((path) => ({
          path,
          type: 'double',
          nullable: true,
          header: null,
        }));
        const schema = recordSchema(fields, []);
        expect(() => parseAvroSchema(schema)).not.toThrow();
        const found = eventFields(schema).map(({ path }) => columnNameOf(path));
        expect(found.toSorted()).toEqual(paths.map(columnNameOf).toSorted());
        expect(new Set(found).size).toBe(headers.length);
        for (const name of found) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/);
      }),
      { numRuns: 500 },
    );
  });

  it('depends on nothing but the headers before it', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 20 }), header, (headers, last) => {
        expect(eventFieldPaths([...headers, last]).slice(0, -1)).toEqual(eventFieldPaths(headers));
      }),
    );
  });
});

describe('freeFieldName', () => {
  it('steps aside for values and for records of that name', () => {
    expect(freeFieldName('row', [['a']])).toBe('row');
    expect(freeFieldName('row', [['row'], ['row_2']])).toBe('row_3');
    expect(freeFieldName('row', [['row', 'x']])).toBe('row_2');
  });
});
