/** What the vectors of other projects need around a distance: their inputs, smoothing and p-values. */
import type { Shares } from '../../../../services/core/distance/bins.ts';

/** Enough values that their own error is nothing: shares that are given and not counted. */
export const WHOLE_POPULATION = 2 ** 52;

/** Shares from counts or weights of any sum. */
export function sharesOf(
  reference: readonly number[],
  window: readonly number[],
  counts: { readonly referenceCount: number; readonly windowCount: number },
): Shares {
  const normalised = (weights: readonly number[]) => {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return Float64Array.from(weights, (weight) => weight / sum);
  };
  return { reference: normalised(reference), window: normalised(window), ...counts };
}

export interface Bucket {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/**
 * TFDV: two histograms on the union of their edges, uniform inside a bucket; a bucket without width is
 * a point of its own.
 */
export function rebucket(
  left: readonly Bucket[],
  right: readonly Bucket[],
): [left: number[], right: number[]] {
  const all = [...left, ...right];
  const edges = [...new Set(all.flatMap(({ low, high }) => [low, high]))].sort((a, b) => a - b);
  const points = [...new Set(all.filter(({ low, high }) => low === high).map(({ low }) => low))];
  const weights = (buckets: readonly Bucket[]) => [
    ...edges.slice(1).map((to, index) => {
      const from = edges[index]!;
      return buckets
        .filter(({ low, high }) => low <= from && to <= high && low < high)
        .reduce((sum, { low, high, count }) => sum + (count * (to - from)) / (high - low), 0);
    }),
    ...points.map((point) =>
      buckets
        .filter(({ low, high }) => low === point && high === point)
        .reduce((sum, { count }) => sum + count, 0),
    ),
  ];
  return [weights(left), weights(right)];
}

/** Share of a chi-square distribution above `x`, by the series of the lower incomplete gamma. */
export function chiSquareTail(x: number, degrees: number): number {
  if (x <= 0) return 1;
  const a = degrees / 2;
  const z = x / 2;
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * 1e-16; n++) {
    term *= z / (a + n);
    sum += term;
  }
  return 1 - sum * Math.exp(a * Math.log(z) - z - logGammaOfHalves(degrees));
}

/** ln Γ(degrees / 2), by the recurrence from Γ(1/2) or Γ(1). */
function logGammaOfHalves(degrees: number): number {
  let log = degrees % 2 === 1 ? Math.log(Math.PI) / 2 : 0;
  for (let at = degrees % 2 === 1 ? 1 : 2; at < degrees; at += 2) log += Math.log(at / 2);
  return log;
}

/**
 * SciPy: the asymptotic p-value of the two-sample Cramér–von Mises statistic T, moved to the mean and
 * variance of the limit (Anderson 1962), and the limit's series (Csörgő and Faraway 1996, 1.2).
 */
export function cramerVonMisesTail(statistic: number, n: number, m: number): number {
  const total = n + m;
  const product = n * m;
  const mean = (1 + 1 / total) / 6;
  const variance =
    ((total + 1) * (4 * product * total - 3 * (n * n + m * m) - 2 * product)) /
    (45 * total * total * 4 * product);
  const x = 1 / 6 + (statistic - mean) / Math.sqrt(45 * variance);
  let sum = 0;
  let gammaRatio = Math.sqrt(Math.PI);
  for (let k = 0; k < 40; k++) {
    if (k > 0) gammaRatio *= (k - 0.5) / k;
    const y = 4 * k + 1;
    const factor = (gammaRatio * Math.sqrt(y)) / (Math.PI ** 1.5 * Math.sqrt(x));
    sum += factor * scaledBessel(y ** 2 / (16 * x));
  }
  return 1 - sum;
}

/** e^−q · K¼(q) = ∫ exp(−q (cosh t + 1)) cosh(t / 4) dt over t ≥ 0; the sum converges very fast. */
function scaledBessel(q: number): number {
  const step = 0.01;
  let sum = 0;
  for (let index = 0; index <= 2_000; index++) {
    const t = index * step;
    const value = Math.exp(-q * (Math.cosh(t) + 1)) * Math.cosh(t / 4);
    sum += index === 0 ? value / 2 : value;
  }
  return sum * step;
}

/** NumPy's `RandomState(seed).normal()`: MT19937 and the polar method, as its old interface has it. */
export function createLegacyNormal(seed: number): () => number {
  const uniform = createTwister(seed);
  let kept: number | null = null;
  return () => {
    if (kept !== null) {
      const value = kept;
      kept = null;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      kept = factor * x;
      return factor * y;
    }
  };
}

const TWISTER_WORDS = 624;

function createTwister(seed: number): () => number {
  const words = new Uint32Array(TWISTER_WORDS);
  words[0] = seed;
  for (let index = 1; index < TWISTER_WORDS; index++) {
    const previous = words[index - 1]!;
    words[index] = Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + index;
  }
  let at = TWISTER_WORDS;
  const next = () => {
    if (at === TWISTER_WORDS) at = twist(words);
    let word = words[at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
  return () => {
    const high = next() >>> 5;
    return (high * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
  };
}

function twist(words: Uint32Array): number {
  for (let index = 0; index < TWISTER_WORDS; index++) {
    const following = words[(index + 1) % TWISTER_WORDS]!;
    const mixed = (words[index]! & 0x80000000) | (following & 0x7fffffff);
    const matrix = (following & 1) === 1 ? 0x9908b0df : 0;
    words[index] = words[(index + 397) % TWISTER_WORDS]! ^ (mixed >>> 1) ^ matrix;
  }
  return 0;
}
