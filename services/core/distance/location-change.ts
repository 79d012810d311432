/**
 * How far the middle of a numeric column moved, in scales of the reference, with its direction.
 *
 *     mean change   = (mean of the window − mean of the reference) / standard deviation of the reference
 *     median change = (median of the window − median of the reference) / robust scale of the reference
 *
 * Of finite values, free of unit: 0.2 is a fifth of a standard deviation upwards. Neither distances
 * nor bounded, but finite; 0 on identical inputs and where either side has no finite value. Not
 * symmetric: the scale is the reference's. A reference without spread falls back as `robustScale`
 * says. One outlier moves the mean and not the median.
 *
 * Source: G. V. Glass, "Primary, secondary, and meta-analysis of research", 1976 (Glass's Δ).
 */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { robustScale } from './robust-scale.ts';

export function meanChange(reference: NumericSketch, window: NumericSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  const deviation = reference.count < 2 ? 0 : reference.standardDeviation;
  return change(reference.mean, window.mean, deviation > 0 ? deviation : robustScale(reference));
}

export function medianChange(reference: NumericSketch, window: NumericSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  return change(reference.quantile(0.5), window.quantile(0.5), robustScale(reference));
}

function change(from: number, to: number, scale: number): number {
  const inScales = (to - from) / scale;
  return Math.max(-Number.MAX_VALUE, Math.min(inScales, Number.MAX_VALUE));
}
