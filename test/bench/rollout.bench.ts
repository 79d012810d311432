/**
 * `npm run bench:rollout`: what callers feel of a shadow that cannot keep up, and of a switch.
 *
 *     --json         the result as one JSON object on the last line
 *     --quick        three rounds and a third of the time
 *     --only TEXT    cases whose name contains it
 *     --save         keep the result as the baseline
 *
 * Exit code 1 where a target is missed, so that a script can tell.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { heavyMlp, largerMlp, tinyMlp } from '../support/onnx-models.ts';
import { FEATURES } from '../support/rollout-versions.ts';
import { isMissed, type Pace, type Report, type Row } from './inference-row.ts';
import { measureShadow } from './rollout-shadow.ts';
import { measureSwitch } from './rollout-switch.ts';

/** From where npm runs scripts: the project's root. */
const BASELINE = 'test/bench/rollout.baseline.json';
const WIDTH = FEATURES.length;
const light = tinyMlp(WIDTH, 16, 1);

type Case = (name: string, pace: Pace, report: Report) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'light on this thread, shadow on workers': (name, pace, report) =>
    measureShadow(
      { name, primary: light, shadow: heavyMlp(WIDTH), placement: 'auto' },
      pace,
      report,
    ),
  'light, both on this thread': (name, pace, report) =>
    measureShadow(
      { name, primary: light, shadow: largerMlp(WIDTH, [1_024, 1_024]), placement: 'inline' },
      pace,
      report,
    ),
  'larger, both on workers': (name, pace, report) =>
    measureShadow(
      { name, primary: largerMlp(WIDTH), shadow: heavyMlp(WIDTH), placement: 'workers' },
      pace,
      report,
    ),
  'switch to a light version': (name, pace, report) =>
    measureSwitch({ name, primary: light, next: (seed) => tinyMlp(WIDTH, 16, seed) }, pace, report),
  'switch to a version of 20 MB': (name, pace, report) =>
    measureSwitch(
      { name, primary: light, next: (seed) => largerMlp(WIDTH, [2_048, 2_048 + seed, 512]) },
      pace,
      report,
    ),
};

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});

const say = options.json ? () => {} : (line: string) => console.log(line);
const pace: Pace = options.quick ? { rounds: 3, share: 1 / 3 } : { rounds: 7, share: 1 };
const baseline = readBaseline();
const rows: Row[] = [];

const loadBefore = loadavg()[0]!;
const startMs = Date.now();
for (const [name, measure] of Object.entries(CASES)) {
  if (!name.includes(options.only)) continue;
  await measure(name, pace, (row) => {
    if (row.section !== rows.at(-1)?.section) say(`\n${headOf(row.section)}`);
    rows.push(row);
    say(lineOf(row));
  });
}

const missed = rows.filter(isMissed).map(({ section, name }) => `${section}: ${name}`);
const seconds = Math.round((Date.now() - startMs) / 1_000);
say(`\n${seconds} s, load ${loadBefore} before and ${loadavg()[0]} after`);
say(missed.length === 0 ? 'every target is met' : `missed: ${missed.join('; ')}`);

const measured = {
  ...{ node: process.version, cores: availableParallelism(), rounds: pace.rounds },
  ...{ loadBefore, loadAfter: loadavg()[0]!, seconds, rows },
};
if (options.save) writeFileSync(BASELINE, `${JSON.stringify(measured, null, 2)}\n`);
if (options.json) console.log(JSON.stringify({ ...measured, missed }));
process.exitCode = missed.length === 0 ? 0 : 1;

function headOf(section: string): string {
  return `${section.padEnd(58)}  median       low      high    was  target`;
}

function lineOf(row: Row): string {
  const { name, value, low, high, target, unit, figures } = row;
  const was = baseline.get(`${row.section}: ${name}`);
  const cells = [value, low, high].map((number) => number.toFixed(3).padStart(10));
  const extras = Object.entries(figures).map(([key, number]) => `${key} ${shortly(number)}`);
  return [
    `  ${name}`.padEnd(56),
    ...cells,
    (was === undefined ? '–' : was.toFixed(3)).padStart(7),
    (target === null ? '–' : `≤ ${target.value}`).padStart(8),
    `  ${isMissed(row) ? 'missed ' : ''}${unit === 'ratio' ? '' : `${unit} `}${extras.join(', ')}`,
  ].join('');
}

function shortly(number: number): string {
  return Number.isInteger(number) ? `${number}` : number.toPrecision(3);
}

/** Values by row; none before the first `--save`. */
function readBaseline(): ReadonlyMap<string, number> {
  if (!existsSync(BASELINE)) return new Map();
  const stored = JSON.parse(readFileSync(BASELINE, 'utf8')) as { readonly rows: readonly Row[] };
  return new Map(stored.rows.map(({ section, name, value }) => [`${section}: ${name}`, value]));
}
