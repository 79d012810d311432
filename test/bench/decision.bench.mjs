// @ts-check
/**
 * False alarms and power of the decision, with the default rules of other tools beside it, and what a
 * comparison costs. Seeded: every run counts the same alarms.
 *
 *     npm run build && npm run bench:decision            # a table
 *     npm run bench:decision -- --json                   # everything, to be stored
 *     npm run bench:decision -- --quick                  # a tenth of the windows
 *     npm run bench:decision -- --only <part of a name>
 *
 * Exits with 1 where a target is missed. A false-alarm row must stay at or below its target, and the
 * upper end of its exact 95 % interval (Clopper–Pearson) below one and a half times that.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { judgeWindow } from '../../dist/core/decision/decide-window.js';
import { NumericSketch } from '../../dist/core/sketch/numeric-sketch.js';
import { rows } from './decision-rows.mjs';
import { createRandom } from './decision-samples.mjs';
import { COLUMN_COUNT, runRow } from './decision-trials.mjs';

/** @typedef {import('./decision-trials.mjs').Row} Row */
/** @typedef {import('./decision-trials.mjs').Outcome} Outcome */

const WORKERS = 2;
const TIMING_ROUNDS = 200;
/** With fewer windows (`--quick`) chance alone may miss a target; only a gross miss counts. */
const TRIALS_MIN = 1_000;

if (isMainThread) await main();
else {
  parentPort?.on('message', (/** @type {{ row: Row, seed: number }} */ { row, seed }) => {
    parentPort?.postMessage(runRow(row, seed));
  });
}

async function main() {
  const options = process.argv.slice(2);
  const only = options.includes('--only') ? (options[options.indexOf('--only') + 1] ?? '') : '';
  const isJson = options.includes('--json');
  const list = rows(options.includes('--quick')).filter(({ name }) => name.includes(only));
  const timing = [1_000, 1_000_000].map((count) => ({
    count,
    microseconds: comparisonTime(count),
  }));
  const startedAt = process.hrtime.bigint();
  const outcomes = await runAll(list, isJson);
  const seconds = Number((process.hrtime.bigint() - startedAt) / 1_000_000_000n);
  const results = list.map((row, index) => resultOf(row, /** @type {Outcome} */ (outcomes[index])));
  const missed = results.filter((result) => 'reached' in result && result.reached === false).length;
  if (isJson) {
    const summary = { columns: COLUMN_COUNT, budgetPerWindow: 0.01, seconds, missed };
    console.log(
      JSON.stringify({ ...summary, comparisonMicroseconds: timing, rows: results }, null, 1),
    );
  } else {
    for (const { count, microseconds } of timing) {
      console.log(`comparing a column, n = ${count}: ${microseconds.toFixed(1)} µs (median)`);
    }
    console.log(`${results.length} rows in ${seconds} s, ${missed} targets missed`);
  }
  // A comparison that takes 0.1 ms is missed like any other target.
  process.exitCode = missed > 0 || timing.some(({ microseconds }) => microseconds >= 100) ? 1 : 0;
}

/** A row counts the same alarms whatever runs beside it (FNV-1a of its name). @param {Row} row */
function seedOf({ kind, name, count, referenceCount }) {
  let hash = 0x811c9dc5;
  for (const character of `${kind} ${name} ${count} ${referenceCount}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash;
}

/** Each worker takes the next row when it is done; rows keep their order. @param {readonly Row[]} list @param {boolean} isJson */
async function runAll(list, isJson) {
  /** @type {Outcome[]} */
  const outcomes = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(WORKERS, list.length) }, async () => {
      const worker = new Worker(new URL(import.meta.url));
      while (next < list.length) {
        const index = next++;
        const row = /** @type {Row} */ (list[index]);
        outcomes[index] = await new Promise((resolve, reject) => {
          worker.removeAllListeners();
          worker.once('message', resolve);
          worker.once('error', reject);
          worker.postMessage({ row, seed: seedOf(row) });
        });
        const line = lineOf(resultOf(row, /** @type {Outcome} */ (outcomes[index])));
        if (isJson) process.stderr.write(`${line}\n`);
        else console.log(line);
      }
      await worker.terminate();
    }),
  );
  return outcomes;
}

/** @param {Row} row @param {Outcome} outcome */
function resultOf(row, outcome) {
  const { name, kind, count, referenceCount, rateMax, rateMin } = row;
  const { alarms, windows, distinct } = outcome;
  if (kind === 'rivals') {
    const rates = Object.entries(outcome.rivals).map(([rule, hits]) => [rule, hits / windows]);
    return { name, kind, count, referenceCount, windows, rates: Object.fromEntries(rates) };
  }
  const rate = alarms / windows;
  const upper95 = upperBound(alarms, windows);
  const target = rateMax ?? rateMin ?? null;
  const isFew = windows < TRIALS_MIN;
  const reached =
    target === null
      ? null
      : rateMax !== undefined
        ? isFew
          ? rate <= 3 * rateMax
          : rate <= rateMax && upper95 <= 1.5 * rateMax
        : rate >= target - (isFew ? 0.05 : 0);
  const measured = { windows, distinctSketches: distinct, alarms, rate, upper95 };
  return { name, kind, count, referenceCount, ...measured, target, reached };
}

/** @param {ReturnType<typeof resultOf>} result */
function lineOf(result) {
  const place = `${result.name} | n ${result.count} | reference ${result.referenceCount} | ${result.windows} windows`;
  if ('rates' in result) {
    const rates = Object.entries(result.rates ?? {}).map(
      ([rule, rate]) => `${rule}: ${percent(Number(rate))}`,
    );
    return `others | ${place} | ${rates.join(' | ')}`;
  }
  const pooled = result.distinctSketches < result.windows * COLUMN_COUNT;
  const sketches = pooled ? ` of ${result.distinctSketches} distinct columns` : '';
  const limit = result.kind === 'power' ? '' : ` (at most ${percent(result.upper95)})`;
  const mark = result.reached === null ? 'shown ' : result.reached ? 'ok    ' : 'MISSED';
  return `${mark} | ${place}${sketches} | ${percent(result.rate)}${limit}`;
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

/** Upper end of the two-sided exact interval: the p at which this few alarms have probability 2.5 %. @param {number} hits @param {number} trials */
function upperBound(hits, trials) {
  if (hits === trials) return 1;
  let low = hits / trials;
  let high = 1;
  for (let iteration = 0; iteration < 60; iteration++) {
    const p = (low + high) / 2;
    let logarithm = trials * Math.log1p(-p);
    let sum = Math.exp(logarithm);
    for (let k = 1; k <= hits; k++) {
      logarithm += Math.log(((trials - k + 1) / k) * (p / (1 - p)));
      sum += Math.exp(logarithm);
    }
    if (sum > 0.025) low = p;
    else high = p;
  }
  return high;
}

/** Median microseconds a column takes, of twenty at a time; the sketches are read for the first time before. @param {number} count */
function comparisonTime(count) {
  const random = createRandom(count);
  const sketch = (/** @type {number} */ values) => {
    const made = new NumericSketch();
    for (let index = 0; index < values; index++) made.add(random.normal());
    return made;
  };
  const columns = Array.from({ length: COLUMN_COUNT }, (_, index) => ({
    name: `column-${index}`,
    reference: sketch(20_000),
    window: sketch(count),
    calibration: null,
    priority: 1,
    threshold: null,
  }));
  const budget = { alpha: 0.01, sentence: '' };
  const times = Array.from({ length: TIMING_ROUNDS }, () => {
    const startedAt = performance.now();
    judgeWindow({ columns, count, budget, countMin: 30 });
    return ((performance.now() - startedAt) * 1_000) / COLUMN_COUNT;
  });
  return times.sort((left, right) => left - right)[TIMING_ROUNDS / 2] ?? Number.NaN;
}
