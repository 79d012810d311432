/**
 * `npm run bench:inference`: the batcher beside ONNX Runtime and other ways of batching.
 *
 *     --json         the result as one JSON object on the last line
 *     --quick        three rounds and a third of the time
 *     --only TEXT    parts whose name contains it
 *     --save         keep a whole result as the baseline, if other processes left the machine alone
 *
 * Exit code 1 where a target is missed, so that a script can tell.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureAdaptation } from './inference-adapt.ts';
import { measureGaps } from './inference-gaps.ts';
import { watchOthers } from './inference-machine.ts';
import { measureRivals } from './inference-rival-rates.ts';
import { isMissed, type Pace, type Report, type Row } from './inference-row.ts';
import { openSubjects, type Subjects } from './inference-subjects.ts';
import { measureThroughput } from './inference-throughput.ts';
import { measureWait } from './inference-wait.ts';

/** From where npm runs scripts: the project's root. */
const BASELINE = 'test/bench/inference.baseline.json';
/** A busier machine gives no baseline. */
const OTHERS_CORES_MAX = 0.15;

type Part = (subjects: Subjects, pace: Pace, report: Report) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  throughput: measureThroughput,
  rivals: measureRivals,
  wait: measureWait,
  gaps: measureGaps,
  adaptation: measureAdaptation,
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
const pace: Pace = options.quick ? { rounds: 3, share: 1 / 3 } : { rounds: 5, share: 1 };
const baseline = readBaseline();
const rows: Row[] = [];

/** Cores that others kept busy, by part. */
const others: Record<string, number | null> = {};
const startMs = Date.now();
const subjects = await openSubjects();
for (const [name, measure] of Object.entries(PARTS)) {
  if (!name.includes(options.only)) continue;
  const othersCores = watchOthers();
  await measure(subjects, pace, (row) => {
    if (row.section !== rows.at(-1)?.section) say(`\n${headOf(row.section)}`);
    rows.push(row);
    say(lineOf(row));
  });
  others[name] = othersCores();
  say(`  (others took ${others[name]?.toFixed(2) ?? 'an unknown number of'} cores meanwhile)`);
}
await subjects.close();

const missed = rows.filter(isMissed).map(({ section, name }) => `${section}: ${name}`);
const seconds = Math.round((Date.now() - startMs) / 1_000);
say(`\n${seconds} s`);
say(missed.length === 0 ? 'every target is met' : `missed: ${missed.join('; ')}`);

const measured = {
  ...{ node: process.version, cores: availableParallelism(), rounds: pace.rounds },
  ...{ others, seconds, rows },
};
const isQuiet = Object.values(others).every((cores) => (cores ?? 0) <= OTHERS_CORES_MAX);
if (options.save && isQuiet && options.only === '')
  writeFileSync(BASELINE, `${JSON.stringify(measured, null, 2)}\n`);
else if (options.save)
  say('not saved: others took too much of the machine, or parts were left out');
if (options.json) console.log(JSON.stringify({ ...measured, missed }));
process.exitCode = missed.length === 0 ? 0 : 1;

function headOf(section: string): string {
  return `${section.padEnd(52)}  median       low      high    was  target`;
}

function lineOf(row: Row): string {
  const { name, value, low, high, target, unit, figures } = row;
  const was = baseline.get(`${row.section}: ${name}`);
  const sign = target === null ? '' : target.bound === 'at least' ? '≥ ' : '≤ ';
  const cells = [value, low, high].map((number) => number.toFixed(3).padStart(10));
  const extras = Object.entries(figures).map(([key, number]) => `${key} ${shortly(number)}`);
  return [
    `  ${name}`.padEnd(50),
    ...cells,
    (was === undefined ? '–' : was.toFixed(3)).padStart(7),
    (target === null ? '–' : sign + target.value).padStart(8),
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
