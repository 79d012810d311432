/**
 * What the benchmarks of rows share: their options, the table, the baseline and the exit code.
 *
 *     --json         the result as one JSON object on the last line
 *     --quick        three rounds and a third of the time
 *     --only TEXT    parts whose name contains it
 *     --save         keep the result as the baseline
 *
 * Exit code 1 where a target is missed, so that a script can tell.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMissed, type Pace, type Report, type Row } from './bench-row.ts';

export interface BenchRun {
  readonly pace: Pace;
  say(line: string): void;
  /** Prints the row. */
  readonly report: Report;
  /** Those of all parts that `--only` names. */
  chosen<T>(parts: Readonly<Record<string, T>>): readonly (readonly [string, T])[];
  /**
   * Prints what was missed, sets the exit code. `facts` go into the JSON before the rows; the baseline
   * is kept where it was asked for and `notSaved` gives no reason against it.
   */
  end(facts: object, seconds: string, notSaved: (isWhole: boolean) => string | null): void;
}

export function startBench(options: {
  /** From where npm runs scripts: the project's root. */
  readonly baseline: string;
  readonly rounds: number;
  /** Of the first column. */
  readonly nameWidth: number;
}): BenchRun {
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
  const say = given.json ? () => {} : (line: string) => console.log(line);

  return {
    pace,
    say,
    report(row) {
      if (row.section !== rows.at(-1)?.section) {
        say(`\n${row.section.padEnd(nameWidth + 2)}  median       low      high    was  target`);
      }
      rows.push(row);
      say(lineOf(row, baseline.get(keyOf(row)), nameWidth));
    },
    chosen: (parts) => Object.entries(parts).filter(([name]) => name.includes(given.only)),
    end(facts, seconds, notSaved) {
      const missed = rows.filter(isMissed).map(keyOf);
      say(`\n${seconds}`);
      say(missed.length === 0 ? 'every target is met' : `missed: ${missed.join('; ')}`);
      const measured = {
        ...{ node: process.version, cores: availableParallelism(), rounds: pace.rounds },
        ...facts,
        rows,
      };
      const reason = given.save ? notSaved(given.only === '') : null;
      if (reason !== null) say(`not saved: ${reason}`);
      else if (given.save) {
        writeFileSync(options.baseline, `${JSON.stringify(measured, null, 2)}\n`);
      }
      if (given.json) console.log(JSON.stringify({ ...measured, missed }));
      process.exitCode = missed.length === 0 ? 0 : 1;
    },
  };
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
