/** Bytes written once by version 1 of the binary form are read, and written the same, for ever. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  decodeColumnSketch,
  encodeColumnSketch,
} from '../../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { GOLDEN_SKETCHES, RETIRED_SKETCHES } from './golden-sketches.ts';

const FOLDER = new URL('../../../golden/column-sketch-v1/', import.meta.url);

function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, FOLDER)));
}

test('every golden file is tested', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.bin'));
  expect(files.sort()).toEqual(
    [...Object.keys(GOLDEN_SKETCHES), ...RETIRED_SKETCHES].map((name) => `${name}.bin`).sort(),
  );
});

describe.each(Object.entries(GOLDEN_SKETCHES))('%s', (name, build) => {
  test('is read and written back to the same bytes', () => {
    const bytes = golden(name);
    expect(encodeColumnSketch(decodeColumnSketch(bytes))).toEqual(bytes);
  });

  // Where a better algorithm changes what a sketch becomes, it gets a new name and a new file beside
  // the old one, which is retired and must still be read.
  test('is what the same values give on this machine', () => {
    expect(encodeColumnSketch(build())).toEqual(golden(name));
  });
});

test.each(RETIRED_SKETCHES)('%s is read and written back to the same bytes', (name) => {
  const bytes = golden(name);
  expect(encodeColumnSketch(decodeColumnSketch(bytes))).toEqual(bytes);
});

test('a sealed numeric column takes less than 4 kB, however many values it has seen', () => {
  expect(golden('numeric-sealed-at-once').length).toBeLessThan(4_096);
});

test('the example in schemas/column-sketch.md is what it says', () => {
  const page = readFileSync(
    new URL('../../../../schemas/column-sketch.md', import.meta.url),
    'utf8',
  );
  const example = page.slice(page.indexOf('## A small one')).split('```')[1]!;
  const hex = [...example.matchAll(/^((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2}|$)/gm)].map(
    ([, row]) => row,
  );
  const sketch = new NumericSketch();
  sketch.add(3);
  sketch.add(1.5);
  sketch.addMissing();
  expect(Buffer.from(encodeColumnSketch(sketch)).toString('hex')).toBe(
    hex.join('').replaceAll(' ', ''),
  );
});
