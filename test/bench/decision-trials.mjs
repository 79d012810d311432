// @ts-check
/**
 * Trials for `decision.bench.mjs`: windows of twenty columns judged through real sketches, every
 * value added by `NumericSketch.add` or `CategoricalSketch.add`.
 *
 * References come from a pool: each column of each window is compared with one drawn from it, with its
 * own calibration where rows depend on each other. Window sketches are made afresh for every window up
 * to `FRESH_COUNT_MAX` values; above that they are drawn from a pool as well, which a row states.
 */
import { windowBudget } from '../../dist/core/decision/budget.js';
import { calibrateColumn } from '../../dist/core/decision/calibration.js';
import { judgeWindow } from '../../dist/core/decision/decide-window.js';
import { CategoricalSketch } from '../../dist/core/sketch/categorical-sketch.js';
import { mergeColumnSketches } from '../../dist/core/sketch/column-sketch.js';
import { NumericSketch } from '../../dist/core/sketch/numeric-sketch.js';
import { RIVALS } from './decision-rivals.mjs';
import { createRandom, distributionOf } from './decision-samples.mjs';

/** @typedef {import('./decision-samples.mjs').Random} Random */
/** @typedef {import('./decision-samples.mjs').Distribution} Distribution */
/** @typedef {import('../../services/core/decision/decide-column.ts').ComparedColumn} ComparedColumn */
/** @typedef {import('../../services/core/sketch/column-sketch.ts').ColumnSketch} ColumnSketch */
/** @typedef {import('../../services/core/decision/calibration.ts').ColumnCalibration} ColumnCalibration */
/** @typedef {{ sketch: ColumnSketch, calibration: ColumnCalibration | null }} Reference */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {'false-alarms' | 'power' | 'rivals'} kind power: the changed column is counted, not the window
 * @property {string} distribution of a numeric column, or `categories`
 * @property {number} count values of a window
 * @property {number} referenceCount
 * @property {number} windows
 * @property {'none' | 'one' | 'all'} changed columns
 * @property {number} [shift] in standard deviations
 * @property {number} [scale]
 * @property {number} [missing] share
 * @property {number} [referenceMissing] share
 * @property {number} [outlier] replaces one value of every column
 * @property {readonly number[]} [shares] of categories
 * @property {readonly number[]} [changedShares]
 * @property {number} [priority] of the changed column
 * @property {number} [rateMax] target
 * @property {number} [rateMin] target
 */
/** @typedef {{ alarms: number, windows: number, distinct: number, rivals: Record<string, number> }} Outcome */

export const COLUMN_COUNT = 20;
const FRESH_COUNT_MAX = 1_000;
/** Values of all sketches of a pool together. */
const POOL_VALUES_MAX = 40_000_000;
const REFERENCES = 200;
const BLOCKS = 128;
const COUNT_MIN = 30;
const BUDGET = windowBudget({
  falseAlarms: { max: 0.01, per: 'window' },
  slideMs: 3_600_000,
  sliceCount: 1,
  windowPlanCount: 1,
  baselineCount: 1,
});

/** @type {Map<string, Reference[]>} */
const references = new Map();

/** @param {Row} row @param {number} seed @returns {Outcome} */
export function runRow(row, seed) {
  return row.kind === 'rivals' ? runRivals(row, seed) : runOurs(row, seed);
}

/** @param {Row} row @param {number} seed @returns {Outcome} */
function runOurs(row, seed) {
  const random = createRandom(seed);
  const pool = referencesOf(row);
  const isFresh = row.count <= FRESH_COUNT_MAX;
  const distinct = isFresh ? row.windows * COLUMN_COUNT : Math.ceil(POOL_VALUES_MAX / row.count);
  /** @type {[ColumnSketch[], ColumnSketch[]]} */
  const pools = [[], []];
  if (!isFresh) {
    const plain = row.changed === 'all' ? 0 : distinct;
    const changed = row.changed === 'none' ? 0 : distinct;
    for (let index = 0; index < plain; index++) pools[0].push(windowSketch(row, false, random));
    for (let index = 0; index < changed; index++) pools[1].push(windowSketch(row, true, random));
  }
  let alarms = 0;
  for (let window = 0; window < row.windows; window++) {
    /** @type {ComparedColumn[]} */
    const columns = [];
    for (let index = 0; index < COLUMN_COUNT; index++) {
      const isChanged = row.changed === 'all' || (row.changed === 'one' && index === 0);
      const drawn = pools[isChanged ? 1 : 0];
      const reference = pick(pool, random);
      columns.push({
        name: `column-${index}`,
        reference: reference.sketch,
        calibration: reference.calibration,
        window: isFresh ? windowSketch(row, isChanged, random) : pick(drawn, random),
        priority: index === 0 ? (row.priority ?? 1) : 1,
        threshold: null,
      });
    }
    const judged = judgeWindow({ columns, count: row.count, budget: BUDGET, countMin: COUNT_MIN });
    const verdict = row.kind === 'power' ? judged.columns[0]?.verdict : judged.verdict;
    if (verdict === 'drift') alarms++;
  }
  return { alarms, windows: row.windows, distinct, rivals: {} };
}

/** @param {Row} row @param {number} seed @returns {Outcome} */
function runRivals(row, seed) {
  const random = createRandom(seed);
  const samples = Array.from({ length: 40 }, () =>
    numericValues(row, row.referenceCount, false, random).sort(),
  );
  /** @type {Record<string, number>} */
  const alarms = Object.fromEntries(RIVALS.map(({ name }) => [name, 0]));
  for (let window = 0; window < row.windows; window++) {
    /** @type {Set<string>} */
    const alarmed = new Set();
    for (let index = 0; index < COLUMN_COUNT; index++) {
      const isChanged = row.changed === 'all' || (row.changed === 'one' && index === 0);
      if (row.changed === 'one' && !isChanged) continue;
      const values = numericValues(row, row.count, isChanged, random).sort();
      const reference = pick(samples, random);
      for (const { name, alarms: rule } of RIVALS) if (rule(reference, values)) alarmed.add(name);
    }
    for (const name of alarmed) alarms[name] = (alarms[name] ?? 0) + 1;
  }
  return { alarms: 0, windows: row.windows, distinct: row.windows * COLUMN_COUNT, rivals: alarms };
}

/** @param {Row} row @returns {Reference[]} */
function referencesOf(row) {
  const { distribution, referenceCount, referenceMissing = 0, shares = [] } = row;
  const key = JSON.stringify([distribution, referenceCount, referenceMissing, shares]);
  const known = references.get(key);
  if (known !== undefined) return known;
  const random = createRandom(0x5eed + referenceCount);
  const plain = { ...row, missing: referenceMissing };
  const made = Array.from({ length: REFERENCES }, () => reference(plain, random));
  references.set(key, made);
  return made;
}

/** @param {Row} row @param {Random} random @returns {Reference} */
function reference(row, random) {
  if (row.distribution === 'categories' || !distributionOf(row.distribution).isDependent) {
    const sketch = columnSketch({ ...row, count: row.referenceCount }, false, random);
    return { sketch, calibration: null };
  }
  const values = numericValues(row, row.referenceCount, false, random);
  const blocks = Array.from({ length: BLOCKS }, (_, index) => {
    const from = Math.floor((index * values.length) / BLOCKS);
    const to = Math.floor(((index + 1) * values.length) / BLOCKS);
    return sketchOf(values.subarray(from, to));
  });
  return { sketch: mergeColumnSketches(blocks), calibration: calibrateColumn(blocks) };
}

/** @param {Row} row @param {boolean} isChanged @param {Random} random */
function windowSketch(row, isChanged, random) {
  const missing = isChanged ? (row.missing ?? 0) : (row.referenceMissing ?? 0);
  return columnSketch({ ...row, missing }, isChanged, random);
}

/** @param {Row} row @param {boolean} isChanged @param {Random} random @returns {ColumnSketch} */
function columnSketch(row, isChanged, random) {
  if (row.distribution === 'categories') {
    const sketch = new CategoricalSketch();
    const shares = (isChanged ? row.changedShares : row.shares) ?? [];
    for (let index = 0; index < row.count; index++) sketch.add(category(shares, random));
    return sketch;
  }
  let missingCount = 0;
  if (row.missing !== undefined && row.missing > 0) {
    for (let index = 0; index < row.count; index++) {
      if (random.uniform() < row.missing) missingCount++;
    }
  }
  const sketch = sketchOf(numericValues(row, row.count - missingCount, isChanged, random));
  sketch.addMissing(missingCount);
  return sketch;
}

/** @param {readonly number[]} shares @param {Random} random */
function category(shares, random) {
  let rest = random.uniform();
  for (const [index, share] of shares.entries()) {
    rest -= share;
    if (rest < 0) return `category-${index}`;
  }
  return 'category-0';
}

/** @param {Row} row @param {number} count @param {boolean} isChanged @param {Random} random */
function numericValues(row, count, isChanged, random) {
  const distribution = distributionOf(row.distribution);
  const draw = distribution.start(random);
  const shift = isChanged ? (row.shift ?? 0) * distribution.sigma : 0;
  const scale = isChanged ? (row.scale ?? 1) : 1;
  const values = new Float64Array(count);
  for (let index = 0; index < count; index++) values[index] = draw() * scale + shift;
  if (row.outlier !== undefined && count === row.count) values[0] = row.outlier;
  return values;
}

/** @param {Float64Array} values */
function sketchOf(values) {
  const sketch = new NumericSketch();
  for (let index = 0; index < values.length; index++) sketch.add(values[index] ?? 0);
  return sketch;
}

/** @template T @param {readonly T[]} items @param {Random} random @returns {T} */
function pick(items, random) {
  return /** @type {T} */ (items[random.below(items.length)]);
}
