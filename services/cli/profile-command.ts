/** `tidegauge profile`: a training table to a bundle without a model. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { createSystemClock } from '../platform/clock/system-clock.ts';
import { ALL_ROWS, type RowRange } from '../platform/dataset/dataset.ts';
import { openDataset } from '../platform/dataset/open-dataset.ts';
import { explainProfile } from '../profile/explain.ts';
import type { NamedSet } from '../profile/named-sets.ts';
import { type ProfileResult, profileDataset } from '../profile/profile.ts';
import { type WrittenBundle, writeBundle } from '../profile/write-bundle.ts';
import { collectSet, collectText, parseRows, parseWindowLength } from './option.ts';
import { createProgress, groupDigits } from './progress.ts';

interface ProfileCommandOptions {
  readonly data: string;
  readonly out: string;
  readonly rows?: RowRange;
  readonly id?: string;
  readonly eventTime?: string;
  readonly label?: string;
  readonly prediction?: string;
  readonly slice?: readonly string[];
  readonly set?: readonly NamedSet[];
  readonly window?: { readonly text: string; readonly ms: number };
  readonly explain?: true;
  readonly json?: true;
}

export function addProfileCommand(program: Command): void {
  program
    .command('profile')
    .description('measure a training table: writes reference.json, monitor.yaml and event.avsc')
    .requiredOption(
      '--data <file>',
      'CSV, Parquet, JSON lines or Avro container; .gz where it is text',
    )
    .requiredOption(
      '--out <folder>',
      'the bundle to write; an existing monitor.yaml and event.avsc are kept',
    )
    .option('--rows <from:to>', 'rows of the file, 0-based, half open', parseRows)
    .option('--id <column>', 'the id of a row (default: its number)')
    .option(
      '--event-time <column>',
      'the event time (default: one second per row from 2000-01-01T00:00:00Z)',
    )
    .option('--label <column>', 'the label: validated, never judged for drift')
    .option('--prediction <column>', 'the score of a model served elsewhere')
    .option(
      '--slice <column>',
      'also measure per value of this column; may be given several times',
      collectText,
    )
    .option(
      '--set <name=columns>',
      'also measure these numeric columns together, name=a,b,c; may be given several times',
      collectSet,
    )
    .option(
      '--window <duration>',
      'length of the windows to propose for (default: the shortest round one with 900 rows)',
      parseWindowLength,
    )
    .option('--explain', 'say for every column what was chosen and why')
    .option('--json', 'print the result as one JSON object on the last line')
    .action(runProfile);
}

async function runProfile(options: ProfileCommandOptions): Promise<void> {
  const dataset = await openDataset(options.data);
  const progress = createProgress('profiling', createSystemClock(), process.stderr);
  try {
    const result = await profileDataset({
      dataset,
      rows: options.rows ?? ALL_ROWS,
      onProgress: (state) => progress.update(state),
      sliceColumns: options.slice ?? [],
      sets: options.set ?? [],
      ...(options.window === undefined ? {} : { window: options.window }),
      ...(options.id === undefined ? {} : { idColumn: options.id }),
      ...(options.eventTime === undefined ? {} : { eventTimeColumn: options.eventTime }),
      ...(options.label === undefined ? {} : { labelColumn: options.label }),
      ...(options.prediction === undefined ? {} : { predictionColumn: options.prediction }),
    });
    progress.end();
    const bundle = await writeBundle(options.out, result, { name: nameOf(options.data) });
    process.stdout.write(
      options.json
        ? `${JSON.stringify(profileJson(options.out, result, bundle))}\n`
        : profileText(options.out, result, bundle, options.explain === true),
    );
  } finally {
    await dataset.close();
  }
}

/** `train/credit.csv.gz` → `credit`. */
function nameOf(file: string): string {
  return basename(file).replace(/\..*$/, '');
}

function profileJson(out: string, result: ProfileResult, bundle: WrittenBundle) {
  return {
    bundle: out,
    rows: result.rowCount,
    columns: result.columns.map(({ name, type, role }) => ({ name, type, role })),
    window: result.window.text,
    written: bundle.written,
    kept: bundle.kept,
    notes: result.notes,
    explain: explainProfile(result),
  };
}

function profileText(
  out: string,
  result: ProfileResult,
  bundle: WrittenBundle,
  isExplained: boolean,
): string {
  const lines = [
    `${groupDigits(result.rowCount)} rows of ${result.file}`,
    ...(isExplained ? explanationLines(result) : columnLines(result)),
    ...result.notes.map((note) => `note: ${note}`),
    ...(isExplained ? [] : [`windows of ${result.window.text} proposed`]),
    `wrote ${bundle.written.join(', ')} to ${out}`,
    ...(bundle.kept.length === 0 ? [] : [`kept ${bundle.kept.join(', ')} as they were`]),
    `next: tidegauge check ${out}`,
  ];
  return `${lines.join('\n')}\n`;
}

function columnLines({ columns }: ProfileResult): string[] {
  const width = Math.max(...columns.map((column) => column.name.length));
  return columns.map(
    ({ name, type, role }) => `  ${name.padEnd(width)}  ${type.padEnd(11)}  ${role}`,
  );
}

function explanationLines(result: ProfileResult): string[] {
  const { columns, window, relations } = explainProfile(result);
  return [
    ...columns.flatMap(({ name, ...reasons }) => [
      name,
      ...Object.entries(reasons).map(([what, reason]) => `  ${what.padEnd(11)}  ${reason}`),
    ]),
    `relation: ${relations.length === 0 ? 'none held that says anything' : relations.join('; ')}`,
    `window: ${window}`,
  ];
}
