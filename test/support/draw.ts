/** Whole numbers from one seed: the same seed draws the same ones. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Both ends included. */
export type Draw = (minimum: number, maximum: number) => number;

const STEPS = 2 ** 30;

/** Between two arrivals of a Poisson stream, in the unit of time that `rate` is per. */
export function drawGap(draw: Draw, rate: number): number {
  return -Math.log(draw(1, STEPS) / STEPS) / rate;
}

export function createDraw(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  return (minimum, maximum) => uniformInt(generator, minimum, maximum);
}
