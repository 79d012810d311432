/**
 * `tidegauge replay`: a file or a range of a topic through a monitor, in a run of its own.
 */
import type { Command } from 'commander';
import { CodedError } from '../core/errors.ts';
import { overrideWindows } from '../core/monitor/windows.ts';
import type { WindowPlan } from '../core/window/window-plan.ts';
import { executeRun } from '../embedded/execute-run.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { ALL_ROWS, type Dataset, type RowRange } from '../platform/dataset/dataset.ts';
import { openDataset } from '../platform/dataset/open-dataset.ts';
import type { ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createDatasetSource } from '../replay/dataset-source.ts';
import type { ReplaySource } from '../replay/replay.ts';
import { openTopicSource, type RangeEdge } from '../replay/topic-source.ts';
import { type Connections, connect, openKafka } from './connect.ts';
import { interruptSignal } from './interrupt.ts';
import { type LabelCoverage, openLabels } from './labels.ts';
import { newRunId, openBundle, scopeOf } from './open-bundle.ts';
import { collectWindow, parseRangeEdge, parseRows } from './option.ts';
import { printJson } from './print-json.ts';
import { createProgress, type ProgressState } from './progress.ts';
import { runResultJson, runResultText } from './run-result.ts';

interface ReplayOptions {
  readonly bundle: string;
  readonly data?: string;
  readonly rows?: RowRange;
  readonly topic?: string;
  readonly brokers?: string;
  readonly from: RangeEdge;
  readonly to: RangeEdge;
  readonly labels?: string;
  readonly window?: readonly WindowPlan[];
  readonly schemaRegistry?: string;
  readonly json?: true;
}

/** A source with what else a run needs to know of it. */
interface OpenSource {
  readonly source: ReplaySource;
  readonly scope: ServiceScope;
  readonly progress: (published: number) => ProgressState;
  close(): Promise<void>;
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('send a file or a range of a topic through a monitor, in a run of its own')
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor')
    .option('--data <file>', 'CSV, JSON lines, Avro container or Parquet; .gz where it is text')
    .option('--rows <from:to>', 'rows of the file, 0-based, half open', parseRows)
    .option('--topic <name>', 'a topic instead of a file')
    .option('--brokers <host:port,…>', 'Kafka brokers of the topic (default: KAFKA_BROKERS)')
    .option(
      '--from <edge>',
      'earliest, an offset or an ISO 8601 instant',
      parseRangeEdge,
      parseRangeEdge('earliest'),
    )
    .option(
      '--to <edge>',
      'next, an offset or an ISO 8601 instant; exclusive',
      parseRangeEdge,
      parseRangeEdge('next'),
    )
    .option('--labels <file>', 'labels by id; their coverage of the events is reported')
    .option(
      '--window <duration>',
      'instead of the monitor’s: 1h, or 1h/5m for one that slides; may be given several times',
      collectWindow,
    )
    .option(
      '--schema-registry <url>',
      'schema registry for Confluent ids (default: SCHEMA_REGISTRY_URL)',
    )
    .option('--json', 'print the result as one JSON object on the last line')
    .action(runReplay);
}

async function runReplay(options: ReplayOptions): Promise<void> {
  if ((options.data === undefined) === (options.topic === undefined)) {
    throw new CodedError('configuration.invalid', 'give either --data FILE or --topic NAME');
  }
  const bundle = withWindows(await openBundle(options.bundle), options.window);
  const ports = connect({
    environment: process.env,
    logLevel: 'error',
    serviceName: 'tidegauge',
    brokers: null,
    redisUrl: null,
    schemaRegistryUrl: options.schemaRegistry ?? process.env.SCHEMA_REGISTRY_URL ?? null,
    bundle,
  });
  try {
    const labels =
      options.labels === undefined ? null : await openLabels(options.labels, bundle.monitor);
    const opened =
      options.data === undefined
        ? await openTopic(options, bundle, ports)
        : await openFile(options.data, options.rows ?? ALL_ROWS, bundle, labels);
    try {
      await printRun(options, ports, opened, labels);
    } finally {
      await opened.close();
    }
  } finally {
    await ports.close();
  }
}

async function printRun(
  options: ReplayOptions,
  ports: Connections,
  opened: OpenSource,
  labels: LabelCoverage | null,
): Promise<void> {
  const progress = createProgress('replaying', ports.clock, process.stderr);
  const result = await executeRun(ports, opened.scope, {
    source: opened.source,
    signal: interruptSignal(),
    onProgress: (published) => progress.update(opened.progress(published)),
  });
  progress.end();
  const json = {
    ...runResultJson(result),
    ...(labels === null ? {} : { labels: labels.counts() }),
  };
  if (options.json) {
    await printJson(process.stdout, json);
  } else {
    process.stdout.write(runResultText(json));
    if (labels !== null) process.stdout.write(labels.text());
  }
}

async function openFile(
  file: string,
  rows: RowRange,
  bundle: Bundle,
  labels: LabelCoverage | null,
): Promise<OpenSource> {
  const dataset: Dataset = await openDataset(file);
  const scope = scopeOf(bundle, newRunId());
  const writerSchemas =
    dataset.kind === 'events' && dataset.writerSchema !== null
      ? [...scope.writerSchemas, dataset.writerSchema]
      : scope.writerSchemas;
  return {
    source: createDatasetSource({
      dataset,
      eventSchema: bundle.eventSchema,
      rows,
      onEvent: (event) => labels?.see(event),
    }),
    // A file's rows carry no record timestamp that a future skew could be measured against.
    scope: { ...scope, writerSchemas, monitor: { ...scope.monitor, futureSkewMs: 0 } },
    progress: () => dataset.progress(),
    close: () => dataset.close(),
  };
}

async function openTopic(
  options: ReplayOptions,
  bundle: Bundle,
  ports: Connections,
): Promise<OpenSource> {
  const brokers = options.brokers ?? process.env.KAFKA_BROKERS;
  if (brokers === undefined) {
    throw new CodedError('configuration.invalid', '--topic needs --brokers or KAFKA_BROKERS');
  }
  if (options.labels !== undefined || options.rows !== undefined) {
    throw new CodedError(
      'configuration.invalid',
      '--labels and --rows go with --data, not with --topic',
    );
  }
  const kafka = openKafka(brokers, {
    environment: process.env,
    clock: ports.clock,
    telemetry: ports.telemetry,
  });
  try {
    const source = await openTopicSource(kafka, {
      topic: options.topic!,
      from: options.from,
      to: options.to,
    });
    return {
      source,
      scope: scopeOf(bundle, newRunId()),
      progress: (done) => ({ done, total: source.recordCountMax, unit: 'record' }),
      close: () => kafka.close(),
    };
  } catch (error) {
    await kafka.close();
    throw error;
  }
}

function withWindows(bundle: Bundle, plans: readonly WindowPlan[] | undefined): Bundle {
  if (plans === undefined) return bundle;
  return { ...bundle, monitor: overrideWindows(bundle.monitor, plans) };
}
