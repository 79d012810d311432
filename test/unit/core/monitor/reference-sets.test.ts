/** Sets in reference.json: read back to the bit, absent where there are none, refused place by place. */
import { describe, expect, it } from 'vitest';
import {
  formatReference,
  parseReference,
  type Reference,
} from '../../../../services/core/monitor/reference.ts';
import type { SetReference } from '../../../../services/core/monitor/reference-sets.ts';
import { encodeSetSketch } from '../../../../services/core/sketch/set-sketch-codec.ts';
import { correlated, sampleRows, setReference } from '../sketch/set-samples.ts';

function setOf(correlation: number, dimension: number): SetReference {
  const made = setReference(sampleRows(correlated(dimension, correlation), 7, 400));
  made.sketch.addLeftOut(3);
  return made;
}

function referenceWith(sets: Reference['sets']): Reference {
  return { rowCount: 403, columns: new Map(), slices: new Map(), calibrations: new Map(), sets };
}

const calibration = { inflation: { joint: [{ count: 64, inflation: 2.5 }] } };
const SETS: Reference['sets'] = new Map([
  ['inputs', { ...setOf(0.5, 3), calibration }],
  ['__proto__', setOf(0, 2)],
]);

describe('a reference with sets', () => {
  it('comes back from its text as it was', () => {
    const text = formatReference(referenceWith(SETS));
    const { sets } = parseReference(text);
    expect([...sets.keys()]).toEqual(['inputs', '__proto__']);
    for (const [name, { sketch, ...rest }] of sets) {
      const { sketch: before, ...expected } = SETS.get(name)!;
      expect(rest).toEqual(expected);
      expect(sketch.specification).toBe(rest.specification);
      expect(Buffer.from(encodeSetSketch(sketch))).toEqual(Buffer.from(encodeSetSketch(before)));
    }
    expect(formatReference(referenceWith(sets))).toBe(text);
  });

  it('shows how many rows were complete and how many were not', () => {
    const document = JSON.parse(formatReference(referenceWith(SETS)));
    expect(document.sets.inputs).toMatchObject({ rows: 400, leftOut: 3 });
  });

  it('says nothing of sets where there are none', () => {
    const text = formatReference(referenceWith(new Map()));
    expect(text).not.toContain('"sets"');
    expect(parseReference(text).sets.size).toBe(0);
  });
});

describe('a set that is none', () => {
  type Json = Record<string, unknown>;
  const changed = (change: (set: Json) => void): string => {
    const document = JSON.parse(formatReference(referenceWith(SETS)));
    change(document.sets.inputs);
    return JSON.stringify(document);
  };
  const withSets = (sets: unknown): string =>
    JSON.stringify({ ...JSON.parse(formatReference(referenceWith(new Map()))), sets });
  const put = (name: string, value: unknown) =>
    changed((set) => {
      set[name] = value;
    });

  it.each<[string, string, RegExp]>([
    ['sets as a list', withSets([]), /at sets: \[\], expected an object/],
    [
      'too many of them',
      withSets(Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`s${n}`, {}]))),
      /at sets: 101 entries, expected at most 100/,
    ],
    [
      'a set that is text',
      withSets({ inputs: 'a,b' }),
      /at sets\.inputs: "a,b", expected an object/,
    ],
    ['no specification', put('specification', undefined), /at sets\.inputs\.specification: /],
    [
      'a scale of zero',
      changed((set) => {
        (set.specification as { columns: Json[] }).columns[1]!.scale = 0;
      }),
      /at sets\.inputs\.specification: column 2: scale: expected a number above 0/,
    ],
    [
      'another specification than the sketch was made by',
      changed((set) => {
        (set.specification as Json).seed = 2;
      }),
      /at sets\.inputs\.sketch: .*another specification/,
    ],
    ['no variation', put('variation', undefined), /at sets\.inputs\.variation: /],
    [
      'variation of other pairs',
      changed((set) => {
        (set.variation as { pairs: unknown[] }).pairs.pop();
      }),
      /at sets\.inputs\.variation: .*expected a list of 3/,
    ],
    ['a calibration of noise', put('calibration', []), /at sets\.inputs\.calibration: /],
    ['no sketch', put('sketch', undefined), /at sets\.inputs\.sketch: expected base64/],
    ['a sketch of noise', put('sketch', 'AAAA'), /at sets\.inputs\.sketch: /],
    ['rows edited by hand', put('rows', 5), /at sets\.inputs\.rows: is 5, but the sketch says 400/],
    ['left out edited by hand', put('leftOut', 0), /at sets\.inputs\.leftOut: is 0, but .* 3/],
  ])('%s', (_, text, message) => {
    let refused: unknown = null;
    try {
      parseReference(text);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'configuration.invalid' });
    expect((refused as Error).message).toMatch(message);
  });
});
