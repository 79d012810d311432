import { describe, expect, it } from 'vitest';
import {
  LEGENDRE_DEGREES,
  legendreBaseline,
  legendreMeans,
} from '../../../../services/core/decision/legendre.ts';
import { joinCurves } from '../../../../services/core/distance/joined-curves.ts';
import { DISTRIBUTIONS, sample, sketchOf } from '../sketch/samples.ts';
import { normalSketch } from './column-samples.ts';

function meansOf(
  reference: ReturnType<typeof sketchOf>,
  window: ReturnType<typeof sketchOf>,
): number[] {
  return [...legendreMeans(legendreBaseline(reference), joinCurves(reference, window))];
}

describe('Legendre means', () => {
  it.each(DISTRIBUTIONS)('of a %s column against itself are 0', (distribution) => {
    const sketch = sketchOf(sample(distribution, 1, 20_000));
    for (const mean of meansOf(sketch, sketch)) expect(mean).toBeCloseTo(0, 10);
  });

  it('agree with the exact ones of a normal shift and scale', () => {
    const reference = normalSketch(2, 400_000);
    const [location] = meansOf(reference, normalSketch(3, 400_000, { shift: 0.2 }));
    // √12 · (Φ(0.2 / √2) − 1/2)
    expect(location).toBeCloseTo(0.1948, 2);
    const [, scale] = meansOf(reference, normalSketch(4, 400_000, { scale: 1.2 }));
    expect(scale).toBeCloseTo(0.23, 2);
  });

  it('agree with the ranks of the exact samples', () => {
    const reference = sample('lognormal', 5, 5_000);
    const window = sample('lognormal', 6, 700).map((value) => value * 1.3);
    let sum = 0;
    for (const value of window) {
      const below = reference.filter((other) => other < value).length;
      sum += Math.sqrt(3) * ((2 * below) / reference.length - 1);
    }
    expect(meansOf(sketchOf(reference), sketchOf(window))[0]).toBeCloseTo(sum / window.length, 2);
  });

  it('of a column of two values are one statistic: the standardised share', () => {
    const reference = sketchOf(Float64Array.from({ length: 1_000 }, (_, index) => +(index < 300)));
    const window = sketchOf(Float64Array.from({ length: 100 }, (_, index) => +(index < 40)));
    const { variances } = legendreBaseline(reference);
    expect(variances[0]).toBeGreaterThan(0.5);
    expect([...variances.subarray(1)]).toEqual([0, 0, 0]);
    // Less what one row in a thousand beyond them would add to the variance.
    const unseen = Math.sqrt(variances[0]! / (variances[0]! + 3 / 1_000));
    expect(meansOf(reference, window)[0]).toBeCloseTo((unseen * 0.1) / Math.sqrt(0.3 * 0.7), 10);
  });

  it('of a window next to a baseline of a few tied values are no larger than its rows allow', () => {
    for (const values of [
      [3, 4, 4, 5, 5, 5, 6, 6, 7, 8, 8, 9],
      [5, 5, 5, 5, 5, 6, 4, 5, 5, 5, 7, 5],
      [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 9],
    ]) {
      const beyond = sketchOf(new Float64Array(12).fill(10));
      // The largest score of one of twelve values whose mean is 0 and whose variance is 1.
      for (const mean of meansOf(sketchOf(values), beyond)) {
        expect(Math.abs(mean)).toBeLessThan(Math.sqrt(11));
      }
    }
  });

  it('of a constant column are none', () => {
    const constant = sketchOf(new Float64Array(500).fill(7));
    const { variances } = legendreBaseline(constant);
    expect([...variances]).toEqual(new Array(LEGENDRE_DEGREES).fill(0));
    expect(meansOf(constant, sketchOf([1, 2, 3]))).toEqual([0, 0, 0, 0]);
  });

  it('have variance 1 per value under the reference, ties or not', () => {
    for (const distribution of ['normal', 'poisson'] as const) {
      const reference = sketchOf(sample(distribution, 7, 50_000));
      const baseline = legendreBaseline(reference);
      const squares = new Float64Array(LEGENDRE_DEGREES);
      const trials = 400;
      for (let trial = 0; trial < trials; trial++) {
        const window = sketchOf(sample(distribution, 100 + trial, 200));
        const means = legendreMeans(baseline, joinCurves(reference, window));
        for (let k = 0; k < LEGENDRE_DEGREES; k++) squares[k]! += (200 * means[k]! ** 2) / trials;
      }
      // Four standard errors of a variance over 400 trials.
      for (const square of squares) expect(Math.abs(square - 1)).toBeLessThan(0.28);
    }
  });
});
