/** reference.json: read back to the bit, stable as text, and refused place by place where it is wrong. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatReference,
  parseReference,
  type Reference,
} from '../../../../services/core/monitor/reference.ts';
import {
  type ColumnSketch,
  createColumnSketch,
  encodeColumnSketch,
} from '../../../../services/core/sketch/column-sketch.ts';

const GOLDEN_V1 = new URL('../../../golden/reference-v1/reference.json', import.meta.url);
const GOLDEN = new URL('../../../golden/reference-v2/reference.json', import.meta.url);

function numeric(values: readonly (number | null)[]): ColumnSketch {
  const sketch = createColumnSketch('numeric');
  for (const value of values) value === null ? sketch.addMissing() : sketch.add(value);
  return sketch;
}

function categorical(values: readonly (string | null)[]): ColumnSketch {
  const sketch = createColumnSketch('categorical');
  for (const value of values) value === null ? sketch.addMissing() : sketch.add(value);
  return sketch;
}

/** What the golden files were made from, the first one without calibration; its numbers never change. */
function goldenReference(): Reference {
  const rows = Array.from({ length: 300 }, (_, n) => ({
    income: n % 50 === 7 ? null : ((n * 7_919) % 1_000) / 8,
    channel: n % 3 === 0 ? 'web' : n % 3 === 1 ? 'branch "b"' : null,
  }));
  const columnsOf = (some: typeof rows) =>
    new Map([
      ['income', numeric(some.map(({ income }) => income))],
      ['channel', categorical(some.map(({ channel }) => channel))],
      ['empty', numeric([])],
    ]);
  return {
    rowCount: rows.length,
    columns: columnsOf(rows),
    slices: new Map([
      ['channel=web', columnsOf(rows.filter(({ channel }) => channel === 'web'))],
      [
        'channel=branch "b"',
        columnsOf(rows.filter(({ channel }) => channel?.startsWith('branch'))),
      ],
    ]),
    calibrations: new Map([
      [
        'income',
        {
          inflation: {
            ks: [
              { count: 64, inflation: 1.25 },
              { count: 1_000, inflation: 5.601 },
            ],
            location: [{ count: 64, inflation: 5.6 }],
          },
        },
      ],
      ['channel', { inflation: {} }],
    ]),
    sets: new Map(),
  };
}

const bytesOf = (columns: ReadonlyMap<string, ColumnSketch>) =>
  [...columns].map(([name, sketch]) => [
    name,
    Buffer.from(encodeColumnSketch(sketch)).toString('hex'),
  ]);

describe('a reference', () => {
  it('is written as it always was', () => {
    expect(formatReference(goldenReference())).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  it.each([
    [1, GOLDEN_V1],
    [2, GOLDEN],
  ])('as format %i was written is still read', (version, file) => {
    const golden = parseReference(readFileSync(file, 'utf8'));
    const made = goldenReference();
    expect(golden.rowCount).toBe(300);
    expect(bytesOf(golden.columns)).toEqual(bytesOf(made.columns));
    expect([...golden.slices.keys()]).toEqual(['channel=branch "b"', 'channel=web']);
    for (const [slice, columns] of golden.slices) {
      expect(bytesOf(columns)).toEqual(bytesOf(made.slices.get(slice)!));
    }
    expect(golden.calibrations).toEqual(version === 1 ? new Map() : made.calibrations);
  });

  it('comes back from its text as it was, whatever it holds', () => {
    const name = fc.oneof(
      fc.stringMatching(/^[a-z_]{1,8}$/),
      fc.constantFrom('__proto__', 'constructor'),
    );
    const column = fc.oneof(
      fc.array(fc.option(fc.double())).map(numeric),
      fc.array(fc.option(fc.string())).map(categorical),
    );
    const columns = fc
      .array(fc.tuple(name, column), { maxLength: 4 })
      .map((entries) => new Map(entries));
    const slices = fc
      .array(
        fc.tuple(
          fc.tuple(name, fc.string()).map((parts) => parts.join('=')),
          columns,
        ),
        { maxLength: 3 },
      )
      .map((entries) => new Map(entries));
    // With as many digits as are kept.
    const points = fc.uniqueArray(
      fc.record({
        count: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        inflation: fc.integer({ min: 100, max: 9_999 }).map((value) => value / 100),
      }),
      { selector: ({ count }) => count, maxLength: 5 },
    );
    const calibration = fc.record({
      inflation: fc.dictionary(
        fc.stringMatching(/^[a-z][A-Za-z0-9_-]{0,9}$/),
        points.map((all) => all.toSorted((one, other) => one.count - other.count)),
        { maxKeys: 4, noNullPrototype: true },
      ),
    });
    // Only columns there are have a calibration.
    const reference = fc
      .record({
        rowCount: fc.nat(),
        columns,
        slices,
        calibration: fc.option(calibration, { nil: null }),
      })
      .map(({ calibration, ...rest }) => {
        const [first] = rest.columns.keys();
        const has = calibration !== null && first !== undefined;
        const calibrations = new Map(has ? [[first, calibration]] : []);
        return { ...rest, calibrations, sets: new Map() };
      });
    fc.assert(
      fc.property(reference, (reference) => {
        const text = formatReference(reference);
        const parsed = parseReference(text);
        expect(parsed.rowCount).toBe(reference.rowCount);
        expect(bytesOf(parsed.columns)).toEqual(bytesOf(reference.columns));
        expect(parsed.slices.size).toBe(reference.slices.size);
        expect(parsed.calibrations).toEqual(reference.calibrations);
        expect(formatReference(parsed)).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  it('shows numbers a person can check', () => {
    const document = JSON.parse(formatReference(goldenReference()));
    expect(document.columns.income).toMatchObject({
      type: 'numeric',
      count: 294,
      missing: 6,
      minimum: 0,
    });
    expect(document.columns.income.quantiles['0.5']).toBeCloseTo(document.columns.income.mean, -1);
    expect(document.columns.channel).toMatchObject({
      missing: 100,
      top: { web: 100, 'branch "b"': 100 },
    });
    expect(document.columns.empty).toMatchObject({
      count: 0,
      mean: null,
      minimum: null,
      maximum: null,
    });
  });
});

describe('a text that is no reference', () => {
  type Json = Record<string, Record<string, Record<string, unknown>>>;
  const changed = (change: (document: Json) => void): string => {
    const document = JSON.parse(readFileSync(GOLDEN, 'utf8')) as Json;
    change(document);
    return JSON.stringify(document);
  };
  const setTop = (name: string, value: unknown) =>
    changed((document) => {
      (document as Record<string, unknown>)[name] = value;
    });
  const setIncome = (name: string, value: unknown) =>
    changed((document) => {
      document.columns!.income![name] = value;
    });

  it.each<[string, string, RegExp]>([
    ['empty', '', /the reference: /],
    ['a list', '[]', /the reference: \[\], expected an object/],
    ['another format', setTop('format', 'x'), /at format: expected "tidegauge-reference"/],
    ['a later version', setTop('version', 3), /at version: 3 is not known, expected 1 or 2/],
    ['version zero', setTop('version', 0), /at version: 0 is not known/],
    ['negative rows', setTop('rows', -1), /at rows: -1, expected a whole number/],
    ['no columns', setTop('columns', undefined), /at columns: is absent, expected an object/],
    ['a list of columns', setTop('columns', []), /at columns: \[\], expected an object/],
    [
      'too many columns',
      setTop('columns', Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`c${n}`, {}]))),
      /at columns: 1001 entries, expected at most 1000/,
    ],
    [
      'an endless name',
      setTop('columns', { ['x'.repeat(2_000)]: {} }),
      /at columns: a name of 2000 characters/,
    ],
    [
      'a slice without a value',
      setTop('slices', { channel: {} }),
      /at slices\["channel"\]: expected a name such as channel=web/,
    ],
    [
      'an unknown type',
      setIncome('type', 'text'),
      /at columns\.income\.type: "text", expected "numeric" or "categorical"/,
    ],
    [
      'another type',
      setIncome('type', 'categorical'),
      /at columns\.income\.sketch: is numeric, expected categorical/,
    ],
    ['no sketch', setIncome('sketch', undefined), /at columns\.income\.sketch: expected base64/],
    [
      'a sketch that is no base64',
      setIncome('sketch', '!!!!'),
      /at columns\.income\.sketch: expected base64/,
    ],
    ['a sketch of nothing', setIncome('sketch', ''), /at columns\.income\.sketch: /],
    ['a sketch of noise', setIncome('sketch', 'AAAAAAAAAAAAAAAA'), /at columns\.income\.sketch: /],
    [
      'a count edited by hand',
      setIncome('count', 5),
      /at columns\.income\.count: is 5, but the sketch says 294/,
    ],
    [
      'missing edited by hand',
      setIncome('missing', 0),
      /at columns\.income\.missing: is 0, but the sketch says 6/,
    ],
    [
      'a calibration that is a list',
      setIncome('calibration', []),
      /at columns\.income\.calibration: .*expected an object/,
    ],
    [
      'a calibration below 1',
      setIncome('calibration', { ks: { 64: 0.5 } }),
      /at columns\.income\.calibration: .*ks at 64: expected a number from 1/,
    ],
    [
      'a calibration at no count',
      setIncome('calibration', { ks: { many: 2 } }),
      /at columns\.income\.calibration: .*ks: "many" is not a count/,
    ],
  ])('%s is refused by its place', (_, text, message) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({
        code: 'configuration.invalid',
        message: expect.stringMatching(message),
      }),
    );
  });

  it('is read or refused, never a crash, wherever a character is changed', () => {
    const text = readFileSync(GOLDEN, 'utf8');
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('"', '{', '}', '0', 'A', ',', '\u0000', ''),
        (at, by) => {
          try {
            parseReference(text.slice(0, at) + by + text.slice(at + 1));
          } catch (error) {
            expect(error).toMatchObject({ code: 'configuration.invalid' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
