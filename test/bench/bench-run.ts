/**
 * What the benchmarks of rows share: their options, the table, the baseline and the exit code.
 *
 *     --json         the result as one JSON object on the last line
 *     --quick        three rounds and a third of the time
 *     --only TEXT    parts whose name contains it
 *     --save         keep the result as the baseline: of all parts, and where others left the machine alone
 *
 * Exit code 1 where a target is missed, so that a script can tell.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { QUIET_CORES_MAX, watchOthers } from './bench-machine.ts';
import { isMissed, type Pace, type Report, type Row } from './bench-row.ts';

/** By its name, which is what `--only` looks at. */
export type Part = (name: string, pace: Pace, report: Report) => Promise<void>;

export interface BenchOptions {
  /** From where npm runs scripts: the project's root. */
  readonly baseline: string;
  readonly rounds: number;
  /** Of the first column. */
  readonly nameWidth: number;
}

/** Runs the parts and prints their rows, then what was missed; sets the exit code. */
export async function runBench(
  options: BenchOptions,
  parts: Readonly<Record<string, Part>>,
): Promise<void> {
  const { values: given } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      save: { type: 'boolean', default: false },
    },
  });
  const { nameWidth } = options;
  const baseline = readBaseline(options.baseline);
  const pace: Pace = given.quick
    ? { rounds: 3, share: 1 / 3 }
    : { rounds: options.rounds, share: 1 };
  const rows: Row[] = [];
  /** Cores that others kept busy, by part. */
  const others: Record<string, number | null> = {};
  const say = given.json ? () => {} : (line: string) => console.log(line);
  const report: Report = (row) => {
    if (row.section !== rows.at(-1)?.section) {
      say(`\n${row.section.padEnd(nameWidth + 2)}  median       low      high    was  target`);
    }
    rows.push(row);
    say(lineOf(row, baseline.get(keyOf(row)), nameWidth));
  };

  const startMs = Date.now();
  for (const [name, measure] of Object.entries(parts)) {
    if (!name.includes(given.only)) continue;
    const othersCores = watchOthers();
    await measure(name, pace, report);
    const cores = othersCores();
    others[name] = cores;
    say(`  (others took ${cores?.toFixed(2) ?? 'an unknown number of'} cores meanwhile)`);
  }
  const seconds = Math.round((Date.now() - startMs) / 1_000);

  const missed = rows.filter(isMissed).map(keyOf);
  say(`\n${seconds} s`);
  say(missed.length === 0 ? 'every target is met' : `missed: ${missed.join('; ')}`);
  const measured = {
    ...{ node: process.version, cores: availableParallelism(), rounds: pace.rounds },
    ...{ others, seconds, rows },
  };
  const isQuiet = Object.values(others).every((cores) => (cores ?? 0) <= QUIET_CORES_MAX);
  if (given.save && isQuiet && given.only === '') {
    writeFileSync(options.baseline, `${JSON.stringify(measured, null, 2)}\n`);
  } else if (given.save) {
    say('not saved: others took too much of the machine, or parts were left out');
  }
  if (given.json) console.log(JSON.stringify({ ...measured, missed }));
  process.exitCode = missed.length === 0 ? 0 : 1;
}

function keyOf({ section, name }: Row): string {
  return `${section}: ${name}`;
}

function lineOf(row: Row, was: number | undefined, nameWidth: number): string {
  const { name, value, low, high, target, unit, figures } = row;
  const sign = target?.bound === 'at least' ? '≥ ' : '≤ ';
  const cells = [value, low, high].map((number) => number.toFixed(3).padStart(10));
  const extras = Object.entries(figures).map(([key, number]) => `${key} ${shortly(number)}`);
  return [
    `  ${name}`.padEnd(nameWidth),
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
function readBaseline(file: string): ReadonlyMap<string, number> {
  if (!existsSync(file)) return new Map();
  const stored = JSON.parse(readFileSync(file, 'utf8')) as { readonly rows: readonly Row[] };
  return new Map(stored.rows.map((row) => [keyOf(row), row.value]));
}
