// @ts-check
/**
 * What other tools alarm on by default, one column at a time, from the exact samples: Kolmogorov–
 * Smirnov at p < 0.05, Wasserstein over the reference's σ ≥ 0.1, PSI ≥ 0.1 and Jensen–Shannon ≥ 0.1
 * (a distance, in bits) on ten bins of equal width over both samples, empty bins filled with 1e-4.
 * A window alarms when any of its columns does.
 */

const BINS = 10;
const EMPTY_SHARE = 1e-4;

/** @typedef {(reference: Float64Array, window: Float64Array) => boolean} Rule both ascending */
/** @type {readonly { name: string, alarms: Rule }[]} */
export const RIVALS = [
  {
    name: 'KS p < 0.05',
    alarms: (reference, window) => {
      const { ks } = walk(reference, window);
      const scale = Math.sqrt(
        (reference.length * window.length) / (reference.length + window.length),
      );
      return kolmogorovTail(scale * ks) < 0.05;
    },
  },
  {
    name: 'Wasserstein/σ ≥ 0.1',
    alarms: (reference, window) =>
      walk(reference, window).area / standardDeviation(reference) >= 0.1,
  },
  {
    name: 'PSI ≥ 0.1',
    alarms: (reference, window) => {
      const [p, q] = histograms(reference, window);
      let psi = 0;
      for (let bin = 0; bin < BINS; bin++) {
        const left = p[bin] || EMPTY_SHARE;
        const right = q[bin] || EMPTY_SHARE;
        psi += (right - left) * Math.log(right / left);
      }
      return psi >= 0.1;
    },
  },
  {
    name: 'Jensen–Shannon ≥ 0.1',
    alarms: (reference, window) => {
      const [p, q] = histograms(reference, window);
      let divergence = 0;
      for (let bin = 0; bin < BINS; bin++) {
        const left = /** @type {number} */ (p[bin]);
        const right = /** @type {number} */ (q[bin]);
        const middle = (left + right) / 2;
        if (left > 0) divergence += (left / 2) * Math.log2(left / middle);
        if (right > 0) divergence += (right / 2) * Math.log2(right / middle);
      }
      return Math.sqrt(divergence) >= 0.1;
    },
  },
];

/** The largest vertical distance of the two steps functions, and the area between them. @type {(reference: Float64Array, window: Float64Array) => { ks: number, area: number }} */
function walk(reference, window) {
  let ks = 0;
  let area = 0;
  let left = 0;
  let right = 0;
  let before = Number.NaN;
  while (left < reference.length || right < window.length) {
    const x = Math.min(reference[left] ?? Infinity, window[right] ?? Infinity);
    const difference = Math.abs(left / reference.length - right / window.length);
    if (!Number.isNaN(before)) area += difference * (x - before);
    while (reference[left] === x) left++;
    while (window[right] === x) right++;
    ks = Math.max(ks, Math.abs(left / reference.length - right / window.length));
    before = x;
  }
  return { ks, area };
}

/** @param {Float64Array} reference @param {Float64Array} window @returns {[Float64Array, Float64Array]} */
function histograms(reference, window) {
  const low = Math.min(reference[0] ?? 0, window[0] ?? 0);
  const high = Math.max(reference.at(-1) ?? 0, window.at(-1) ?? 0);
  const width = (high - low) / BINS || 1;
  const shares = (/** @type {Float64Array} */ values) => {
    const counts = new Float64Array(BINS);
    for (const value of values) {
      const bin = Math.min(BINS - 1, Math.floor((value - low) / width));
      counts[bin] = (counts[bin] ?? 0) + 1 / values.length;
    }
    return counts;
  };
  return [shares(reference), shares(window)];
}

/** @param {Float64Array} values */
function standardDeviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** @param {number} lambda */
function kolmogorovTail(lambda) {
  if (lambda < 0.3) return 1;
  let sum = 0;
  for (let index = 1; index < 100; index++) {
    sum += (index % 2 === 1 ? 2 : -2) * Math.exp(-2 * index * index * lambda * lambda);
  }
  return sum;
}
