/** The integrals of Wasserstein and energy on curves made by hand, piece by piece. */
import { expect, test } from 'vitest';
import type { JoinedCurves } from '../../../../services/core/distance/joined-curves.ts';
import { energy, wasserstein } from '../../../../services/core/distance/wasserstein.ts';

/** One straight piece over [0, width], F − G going from `from` to `to`; nothing outside of it. */
function piece(width: number, from: number, to: number): JoinedCurves {
  return {
    count: 2,
    positions: Float64Array.of(0, width),
    referenceBelow: Float64Array.of(0, 0.5 + to / 2),
    referenceAbove: Float64Array.of(0.5 + from / 2, 1),
    windowBelow: Float64Array.of(0, 0.5 - to / 2),
    windowAbove: Float64Array.of(0.5 - from / 2, 1),
    referenceCount: 1_000,
    windowCount: 1_000,
  };
}

test.each([
  { name: 'level', from: 0.5, to: 0.5, area: 0.5, square: 0.25 },
  { name: 'falling to nothing', from: 0.6, to: 0, area: 0.3, square: 0.12 },
  { name: 'crossing in the middle', from: 0.5, to: -0.5, area: 0.25, square: 1 / 12 },
  { name: 'crossing after a fifth', from: -0.2, to: 0.8, area: 0.34, square: 0.52 / 3 },
  { name: 'none', from: 0, to: 0, area: 0, square: 0 },
])('a difference that is $name', ({ from, to, area, square }) => {
  const curves = piece(3, from, to);
  expect(wasserstein(curves, 1)).toBeCloseTo(3 * area, 12);
  expect(wasserstein(curves, 6)).toBeCloseTo(area / 2, 12);
  expect(energy(curves, 1)).toBeCloseTo(Math.sqrt(6 * square), 12);
});

test('a piece wider than the largest double is a finite distance', () => {
  const curves = piece(Infinity, 0.5, 0.5);
  expect(wasserstein(curves, 1)).toBe(Number.MAX_VALUE);
  expect(wasserstein(curves, 5e-324)).toBe(Number.MAX_VALUE);
  expect(wasserstein(piece(Infinity, 0, 0), 1)).toBe(0);
});
