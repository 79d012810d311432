/** Every distance of numeric columns by its definition, from raw samples: slow, and in plain sight. */
import type { DistanceName } from '../../services/core/distance/distances.ts';

const BINS = 10;

/** Of the absolute changes and of all else that `DISTANCES` has for finite numbers. */
export function textbookDistances(
  reference: Float64Array,
  window: Float64Array,
): Readonly<Partial<Record<DistanceName, number>>> {
  const x = reference.slice().sort();
  const y = window.slice().sort();
  return { ...ofCurves(x, y), ...ofShares(x, y), ...ofMoments(x, y) };
}

function ofCurves(x: Float64Array, y: Float64Array) {
  const pooled = Float64Array.from([...x, ...y]).sort();
  const total = pooled.length;
  let ks = 0;
  let area = 0;
  let squaredArea = 0;
  let squares = 0;
  for (let index = 0; index < total; index++) {
    const value = pooled[index]!;
    const difference = shareUpTo(x, value) - shareUpTo(y, value);
    const before = shareBelow(x, value) - shareBelow(y, value);
    ks = Math.max(ks, Math.abs(difference));
    squares += (difference ** 2 + before ** 2) / 2 / total;
    const width = (pooled[index + 1] ?? value) - value;
    area += Math.abs(difference) * width;
    squaredArea += difference ** 2 * width;
  }
  const scale = scaleOf(x);
  return {
    ks,
    cramer_von_mises: squares,
    wasserstein: area / scale,
    energy: Math.sqrt((2 * squaredArea) / scale),
  };
}

function ofShares(x: Float64Array, y: Float64Array) {
  const ranges = rangesOf(x);
  const share = (sorted: Float64Array, { from, to }: Range) =>
    countWhere(sorted, (value) => from(value) && !to(value)) / sorted.length;
  const p = ranges.map((range) => share(x, range));
  const q = ranges.map((range) => share(y, range));
  const floor = 0.5 / Math.min(x.length, y.length);
  const sum = (term: (p: number, q: number) => number) =>
    p.reduce((total, each, index) => total + term(each, q[index]!), 0);
  const entropy = (...shares: number[]) =>
    shares.reduce((total, each) => total - (each > 0 ? each * Math.log2(each) : 0), 0);
  const divergence = sum((a, b) => entropy((a + b) / 2) - entropy(a, b) / 2);
  const smoothed = p.map((each, index) => Math.max(each, Math.min(floor, q[index]!)));
  const smoothedSum = smoothed.reduce((total, each) => total + each, 0);
  return {
    psi: sum((a, b) => {
      const [expected, actual] = [Math.max(a, floor), Math.max(b, floor)];
      return (actual - expected) * Math.log(actual / expected);
    }),
    kullback_leibler: smoothed.reduce((total, each, index) => {
      const actual = q[index]!;
      return total + (actual > 0 ? actual * Math.log(actual / (each / smoothedSum)) : 0);
    }, 0),
    jensen_shannon: Math.sqrt(Math.max(0, divergence)),
    jensen_shannon_divergence: divergence,
    hellinger: Math.sqrt(Math.max(0, 1 - sum((a, b) => Math.sqrt(a * b)))),
    l1: sum((a, b) => Math.abs(a - b)),
    l_infinity: Math.max(...p.map((each, index) => Math.abs(each - q[index]!))),
    chi_square: chiSquareOfTable(
      p.map((each) => each * x.length),
      q.map((each) => each * y.length),
    ),
    cramers_v: Math.sqrt(chiSquareOfTable(p, q) / 2),
  };
}

/** Observed against expected counts, cell by cell. */
function chiSquareOfTable(first: readonly number[], second: readonly number[]): number {
  const rows = [first, second];
  const sums = rows.map((row) => row.reduce((sum, count) => sum + count, 0));
  const total = sums[0]! + sums[1]!;
  let statistic = 0;
  first.forEach((_, column) => {
    const columnSum = first[column]! + second[column]!;
    if (columnSum === 0) return;
    rows.forEach((row, index) => {
      const expected = (sums[index]! * columnSum) / total;
      statistic += (row[column]! - expected) ** 2 / expected;
    });
  });
  return statistic;
}

function ofMoments(x: Float64Array, y: Float64Array) {
  const relative = (from: number, to: number) =>
    from === to ? 0 : Math.abs(to - from) / Math.max(from, to);
  const spread = deviation(x) > 0 ? deviation(x) : scaleOf(x);
  const [before, now] = firstOfEither(spreadsOf(x), spreadsOf(y));
  return {
    mean_change: Math.abs(mean(y) - mean(x)) / spread,
    median_change: Math.abs(quantile(y, 0.5) - quantile(x, 0.5)) / scaleOf(x),
    scale_change: relative(deviation(x), deviation(y)),
    robust_scale_change: relative(before, now),
  };
}

function firstOfEither(x: readonly number[], y: readonly number[]): [number, number] {
  const at = x.findIndex((each, index) => each > 0 || y[index]! > 0);
  return [x[at] ?? 0, y[at] ?? 0];
}

interface Range {
  /** Is the value past the start, and past the end? */
  readonly from: (value: number) => boolean;
  readonly to: (value: number) => boolean;
}

/** Cuts at the tenths; a value that makes up a tenth stands alone. */
function rangesOf(sorted: Float64Array): readonly Range[] {
  const cuts = Array.from(
    { length: BINS },
    (_, index) => sorted[Math.ceil(((index + 1) * sorted.length) / BINS) - 1]!,
  );
  const passed: ((value: number) => boolean)[] = [() => true];
  cuts.forEach((cut, index) => {
    if (cuts.indexOf(cut) < index) return;
    const isHeavy = countWhere(sorted, (value) => value === cut) / sorted.length >= 1 / BINS;
    if (isHeavy) passed.push((value) => value >= cut);
    if (isHeavy || index < BINS - 1) passed.push((value) => value > cut);
  });
  return passed.map((from, index) => ({ from, to: passed[index + 1] ?? (() => false) }));
}

function scaleOf(sorted: Float64Array): number {
  return spreadsOf(sorted).find((spread) => spread > 0) ?? (Math.abs(sorted[0]!) || 1);
}

function spreadsOf(sorted: Float64Array): readonly number[] {
  return [
    (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.349,
    (quantile(sorted, 0.95) - quantile(sorted, 0.05)) / 3.29,
    deviation(sorted),
  ];
}

/** The sketches' convention for single values. */
function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: Float64Array): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

function countWhere(values: Float64Array, holds: (value: number) => boolean): number {
  return values.reduce((count, value) => (holds(value) ? count + 1 : count), 0);
}

function shareUpTo(sorted: Float64Array, x: number): number {
  return firstWhere(sorted, (value) => value > x) / sorted.length;
}

function shareBelow(sorted: Float64Array, x: number): number {
  return firstWhere(sorted, (value) => value >= x) / sorted.length;
}

function firstWhere(sorted: Float64Array, isPast: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
