/** Bytes written once by version 1 of the set sketch are read, and written the same, for ever. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  decodeSetSketch,
  encodeSetSketch,
} from '../../../../services/core/sketch/set-sketch-codec.ts';
import { GOLDEN_SETS, GOLDEN_SPECIFICATION } from './golden-set-sketches.ts';
import { setOf } from './set-samples.ts';

const FOLDER = new URL('../../../golden/set-sketch-v1/', import.meta.url);

function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, FOLDER)));
}

test('every golden file is tested', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.bin'));
  expect(files.sort()).toEqual(
    Object.keys(GOLDEN_SETS)
      .map((name) => `${name}.bin`)
      .sort(),
  );
});

describe.each(Object.entries(GOLDEN_SETS))('%s', (name, build) => {
  test('is read and written back to the same bytes', () => {
    const bytes = golden(name);
    expect(encodeSetSketch(decodeSetSketch(bytes, GOLDEN_SPECIFICATION))).toEqual(bytes);
  });

  test('is what the same rows give on this machine', () => {
    expect(encodeSetSketch(build())).toEqual(golden(name));
  });
});

test('the example in schemas/set-sketch.md is what it says', () => {
  const page = readFileSync(new URL('../../../../schemas/set-sketch.md', import.meta.url), 'utf8');
  const example = page.slice(page.indexOf('## A small one')).split('```')[1]!;
  const hex = [...example.matchAll(/^((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2}|$)/gm)].map(
    ([, row]) => row,
  );
  const specification = {
    columns: [
      { name: 'a', centre: 10, scale: 2 },
      { name: 'b', centre: 0, scale: 1 },
    ],
    bandwidth: 1,
    frequencyCount: 1,
    projectionCount: 0,
    seed: 1,
  };
  const sketch = setOf(specification, [Float64Array.of(12, -3), Float64Array.of(10, Number.NaN)]);
  expect(Buffer.from(encodeSetSketch(sketch)).toString('hex')).toBe(
    hex.join('').replaceAll(' ', ''),
  );
});
