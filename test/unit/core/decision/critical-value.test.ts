import { describe, expect, it } from 'vitest';
import {
  chiSquareQuantile,
  chiSquareTail,
  fromNormalScore,
  kolmogorovQuantile,
  kolmogorovTail,
  normalQuantile,
  normalScore,
  normalTail,
} from '../../../../services/core/decision/critical-value.ts';

/** Tails as R's pnorm(lower.tail = FALSE) and scipy's kstwobign.sf print them. */
const NORMAL_TAILS: readonly [number, number][] = [
  [0, 0.5],
  [1, 0.15865525393145707],
  [2.5, 6.209665325776132e-3],
  [3, 1.3498980316300946e-3],
  [6, 9.865876450376946e-10],
  [10, 7.61985302416047e-24],
  [20, 2.7536241186062337e-89],
];
const KOLMOGOROV_TAILS: readonly [number, number][] = [
  [0.5, 0.9639452436648751],
  [1, 0.26999967167735456],
  [1.3580986393225505, 0.05],
  [1.62762361151895, 0.01],
];

describe('normal tail', () => {
  it.each(NORMAL_TAILS)('beyond %s is %s', (z, tail) => {
    expect(normalTail(z) / tail).toBeCloseTo(1, 10);
    expect(normalTail(-z)).toBeCloseTo(1 - tail, 12);
  });

  it('is inverted down to 1e-300', () => {
    for (let exponent = -1; exponent >= -300; exponent--) {
      const tail = 10 ** exponent;
      expect(normalTail(normalQuantile(tail)) / tail).toBeCloseTo(1, 8);
    }
    expect(normalQuantile(0.975)).toBeCloseTo(-1.959963984540054, 10);
    expect(normalQuantile(0.5)).toBeCloseTo(0, 12);
  });

  it('does not jump where series and fraction meet', () => {
    expect(normalTail(2.5 - 1e-9) / normalTail(2.5 + 1e-9)).toBeCloseTo(1, 7);
  });
});

describe('Kolmogorov tail', () => {
  it.each(KOLMOGOROV_TAILS)('beyond %s is %s', (lambda, tail) => {
    expect(kolmogorovTail(lambda) / tail).toBeCloseTo(1, 8);
  });

  it('is inverted down to 1e-100', () => {
    for (const tail of [0.9, 0.5, 0.1, 0.0999, 1e-3, 1e-6, 1e-12, 1e-100]) {
      expect(kolmogorovTail(kolmogorovQuantile(tail)) / tail).toBeCloseTo(1, 6);
    }
  });

  it('never increases', () => {
    let before = 1;
    for (let lambda = 0; lambda < 5; lambda += 0.01) {
      const tail = kolmogorovTail(lambda);
      expect(tail).toBeLessThanOrEqual(before + 1e-12);
      before = tail;
    }
  });
});

describe('scores of skewed statistics', () => {
  it('read a count of rare things as nearly the exact Poisson tail', () => {
    // P(X ≥ 7) = 8.324e-5 for a mean of 1.
    const tail = normalTail(normalScore(6, { skewness: 1, excessKurtosis: 1 }));
    expect(tail).toBeGreaterThan(8.3e-5);
    expect(tail).toBeLessThan(1.4e-4);
  });

  it('change nothing where nothing is skewed', () => {
    expect(normalScore(-3.2, { skewness: 0, excessKurtosis: 0 })).toBe(-3.2);
  });

  it('are inverted by the critical value on both sides', () => {
    for (const skewness of [-0.6, -0.05, 0.03, 0.4, 1.5]) {
      const shape = { skewness, excessKurtosis: 0.1 };
      for (const side of [-1, 1]) {
        const z = fromNormalScore(3, side, shape);
        if (z > 0) expect(Math.abs(normalScore(side * z, shape))).toBeCloseTo(3, 8);
      }
    }
  });
});

describe('chi-square tail', () => {
  it('is within a fifth of the textbook at 0.1 % and errs upwards', () => {
    // Quantiles at 0.001 of 1, 3, 9 and 30 degrees.
    for (const [degrees, quantile] of [
      [1, 10.828],
      [3, 16.266],
      [9, 27.877],
      [30, 59.703],
    ] as const) {
      const ratio = chiSquareTail(quantile, degrees) / 0.001;
      expect(ratio).toBeGreaterThan(0.97);
      expect(ratio).toBeLessThan(1.25);
      expect(chiSquareTail(chiSquareQuantile(1e-5, degrees), degrees) / 1e-5).toBeCloseTo(1, 6);
    }
  });
});
