/**
 * `tidegauge score`: batch prediction. The rows of a file through the same versions, batches,
 * fallbacks and policies as the events of the inference-worker, one line of answer for each.
 */
import { type Command, Option } from 'commander';
import { CodedError } from '../core/errors.ts';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { ALL_ROWS, type RowRange } from '../platform/dataset/dataset.ts';
import { type Connections, connect } from './connect.ts';
import { interruptSignal } from './interrupt.ts';
import { scopeOfRun } from './join-run.ts';
import { newRunId, openBundle } from './open-bundle.ts';
import { parseRows } from './option.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { openFileSource } from './replay-source.ts';
import { createScoreFormat, type ScoreFormatName } from './score-format.ts';
import { scoreJson, scoreText } from './score-result.ts';
import { createDecodeRow, scoreRows } from './score-rows.ts';
import { createFileSink, createStreamSink, type ScoreSink } from './score-sink.ts';
import type { ScoreTally } from './score-tally.ts';
import { createFileScoring } from './score-versions.ts';

interface ScoreOptions {
  readonly bundle: string;
  readonly data: string;
  readonly rows?: RowRange;
  readonly out?: string;
  readonly format?: ScoreFormatName;
  readonly modelVersion?: string;
  readonly json?: true;
}

export function addScoreCommand(program: Command): void {
  program
    .command('score')
    .description('predict for every row of a file, as the inference-worker would')
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor')
    .requiredOption(
      '--data <file>',
      'CSV, JSON lines, Avro container or Parquet; .gz where it is text',
    )
    .option('--rows <from:to>', 'rows of the file, 0-based, half open', parseRows)
    .option('--out <file>', 'where the predictions go: .csv or .jsonl (default: standard output)')
    .addOption(
      new Option(
        '--format <name>',
        'of the predictions (default: by the name of --out, else csv)',
      ).choices(['csv', 'jsonl']),
    )
    .option('--model-version <version>', 'ask this version about every row, whatever the plan is')
    .option('--json', 'print the result as one JSON object on the last line')
    .action(runScore);
}

async function runScore(options: ScoreOptions): Promise<void> {
  const format = options.format ?? formatOf(options.out);
  const bundle = await openBundle(options.bundle, { requireReference: false });
  const spec = bundle.monitor.model;
  if (spec === null) {
    const message = `monitor ${bundle.monitor.name} has no model to score with`;
    throw new CodedError('configuration.invalid', message);
  }
  const ports = connect({
    environment: process.env,
    logLevel: 'error',
    serviceName: 'tidegauge-score',
    ...{ brokers: null, redisUrl: null, schemaRegistryUrl: null, bundle },
  });
  try {
    const startedMs = ports.clock.monotonicMs();
    const tally = await scoreFile({ options, bundle, spec, format, ports });
    const elapsedMs = ports.clock.monotonicMs() - startedMs;
    const out = options.out ?? null;
    const json = scoreJson(
      { bundle: options.bundle, data: options.data, out, format, elapsedMs },
      tally,
    );
    if (options.json) await printJson(process.stdout, json);
    else (out === null ? process.stderr : process.stdout).write(scoreText(json));
  } finally {
    await ports.close();
  }
}

interface ScorePart {
  readonly options: ScoreOptions;
  readonly bundle: Bundle;
  readonly spec: MonitorModel;
  readonly format: ScoreFormatName;
  readonly ports: Connections;
}

async function scoreFile(part: ScorePart): Promise<ScoreTally> {
  const { options, bundle, ports } = part;
  const { line, header } = createScoreFormat(part.format, part.spec);
  const rows = options.rows ?? ALL_ROWS;
  const opened = await openFileSource(options.data, rows);
  const scoring = createFileScoring(ports, bundle.monitor, part.spec, options.modelVersion ?? null);
  const signal = interruptSignal();
  const progress = createProgress('scoring', ports.clock, process.stderr);
  let sink: ScoreSink | null = null;
  try {
    await scoring.start();
    sink = await openSink(options);
    const { monitor } = bundle;
    const scope = scopeOfRun(bundle, { id: newRunId(), writerSchema: opened.writerSchema });
    const spans = await opened.fix();
    await sink.write(header);
    const tally = await scoreRows({
      records: opened.read(bundle, spans, null).records([0], signal),
      firstRow: rows.from,
      decode: createDecodeRow(scope, monitor, part.spec),
      scorer: scoring,
      write: (scored) => sink!.write(scored.map(line).join('')),
      onProgress: (read, written) =>
        progress.update(opened.progress(spans, { published: read, decided: written })),
    });
    progress.end();
    signal.throwIfAborted();
    await sink.finish();
    sink = null;
    return tally;
  } finally {
    await sink?.discard();
    await scoring.close();
    await opened.close();
  }
}

function formatOf(out: string | undefined): ScoreFormatName {
  const name = out?.toLowerCase() ?? '.csv';
  if (name.endsWith('.csv')) return 'csv';
  if (/\.(jsonl|ndjson)$/.test(name)) return 'jsonl';
  throw new CodedError(
    'configuration.invalid',
    `--out: ${out} does not end in .csv or .jsonl; say which with --format`,
  );
}

function openSink({ out, data }: ScoreOptions): Promise<ScoreSink> {
  return out === undefined
    ? Promise.resolve(createStreamSink(process.stdout))
    : createFileSink(out, data);
}
