/** The radix sort against the built-in one, on what its shortcuts could get wrong. */
import { describe, expect, test } from 'vitest';
import { SORT_COUNT_MAX, sortedValues } from '../../../../services/core/sketch/sort-values.ts';
import { DISTRIBUTIONS, sample } from './samples.ts';

function sorted(values: Float64Array): Float64Array {
  return sortedValues(values, values.length).slice(0, values.length);
}

describe('sortedValues', () => {
  test.each(DISTRIBUTIONS)('sorts %s samples of every length', (distribution) => {
    for (const count of [0, 1, 2, 3, 31, 512, SORT_COUNT_MAX]) {
      const values = sample(distribution, count + 1, count);
      expect(sorted(values)).toEqual(values.slice().sort());
    }
  });

  test('tells values apart that differ in their low bits only', () => {
    const values = sample('uniform', 7, 512).map((value) => 1e15 + Math.floor(value * 512) / 8);
    expect(new Set(values).size).toBeGreaterThan(100);
    expect(sorted(values)).toEqual(values.slice().sort());
  });

  test('orders extremes, denormals and both signs', () => {
    const { MAX_VALUE, MIN_VALUE } = Number;
    const values = Float64Array.of(1, MIN_VALUE, -MIN_VALUE, MAX_VALUE, 0, -MAX_VALUE, -1);
    expect([...sorted(values)]).toEqual([-MAX_VALUE, -1, -MIN_VALUE, 0, MIN_VALUE, 1, MAX_VALUE]);
  });

  test('ends with Infinity and leaves its input alone', () => {
    const values = Float64Array.of(3, 1, 2);
    expect([...sortedValues(values, 2).subarray(0, 3)]).toEqual([1, 3, Infinity]);
    expect([...values]).toEqual([3, 1, 2]);
  });

  test('refuses more than it has room for', () => {
    expect(() => sortedValues(new Float64Array(SORT_COUNT_MAX + 1), SORT_COUNT_MAX + 1)).toThrow(
      RangeError,
    );
  });
});
