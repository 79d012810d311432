/**
 * `tidegauge replay`: a file or a range of a topic through a monitor, in a run of its own: in memory,
 * or under a name on Kafka and Redis, where it can be gone on with.
 */
import type { Command } from 'commander';
import { CodedError } from '../core/errors.ts';
import { LIVE_RUN } from '../core/message/topics.ts';
import { overrideWindows } from '../core/monitor/windows.ts';
import type { WindowPlan } from '../core/window/window-plan.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { ALL_ROWS, type RowRange } from '../platform/dataset/dataset.ts';
import { FULL_PACE, type Pace } from '../replay/pace.ts';
import type { RangeEdge } from '../replay/topic-source.ts';
import { openComparison } from './compare-replay.ts';
import { comparisonText } from './comparison-result.ts';
import { type Connections, connect, openKafka } from './connect.ts';
import { EXIT_FAILED } from './exit.ts';
import { openLabels } from './labels.ts';
import { NamedReplay } from './named-replay.ts';
import { openBundle } from './open-bundle.ts';
import { collectWindow, parsePositive, parseRangeEdge, parseRows, parseRunName } from './option.ts';
import { printJson } from './print-json.ts';
import { executeInMemory, executeNamed } from './replay-execution.ts';
import { type OpenSource, openFileSource, openTopicSource } from './replay-source.ts';
import { runResultJson, runResultText } from './run-result.ts';

interface ReplayOptions {
  readonly bundle: string;
  readonly data?: string;
  readonly rows?: RowRange;
  readonly topic?: string;
  readonly brokers?: string;
  readonly redis?: string;
  readonly from: RangeEdge;
  readonly to: RangeEdge;
  readonly run?: string;
  readonly restart?: true;
  readonly keep?: true;
  readonly speed?: number;
  readonly rate?: number;
  readonly compare?: string;
  readonly labels?: string;
  readonly window?: readonly WindowPlan[];
  readonly schemaRegistry?: string;
  readonly json?: true;
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('send a file or a range of a topic through a monitor, in a run of its own')
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor')
    .option('--data <file>', 'CSV, JSON lines, Avro container or Parquet; .gz where it is text')
    .option('--rows <from:to>', 'rows of the file, 0-based, half open', parseRows)
    .option('--topic <name>', 'a topic instead of a file')
    .option('--brokers <host:port,…>', 'Kafka brokers (default: KAFKA_BROKERS)')
    .option('--redis <url>', 'Redis of a run with a name (default: REDIS_URL)')
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
    .option('--run <name>', 'on Kafka and Redis, gone on with when started again', parseRunName)
    .option('--restart', 'begin the run anew, whatever there is of it')
    .option('--keep', 'keep the topics and the state of the run when it is finished')
    .option('--speed <factor>', 'as recorded: 1, ten times as fast: 10', parsePositive)
    .option('--rate <records>', 'records a second at most', parsePositive)
    .option('--compare <what>', 'live, or the folder of a bundle to run beside this one')
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
  refuseContradictions(options);
  const bundle = withWindows(await openBundle(options.bundle), options.window);
  const { env } = process;
  const isNamed = options.run !== undefined;
  const ports = connect({
    environment: env,
    logLevel: 'error',
    serviceName: 'tidegauge',
    brokers: isNamed ? brokersOf(options) : null,
    redisUrl: isNamed ? redisOf(options) : null,
    schemaRegistryUrl: options.schemaRegistry ?? env.SCHEMA_REGISTRY_URL ?? null,
    bundle,
  });
  try {
    const opened = await openSource(options, ports);
    try {
      await replay(options, bundle, ports, opened);
    } finally {
      await opened.close();
    }
  } finally {
    await ports.close();
  }
}

async function replay(
  options: ReplayOptions,
  bundle: Bundle,
  ports: Connections,
  opened: OpenSource,
): Promise<void> {
  const labels =
    options.labels === undefined ? null : await openLabels(options.labels, bundle.monitor);
  const comparison = await openComparison(options, bundle);
  const listeners = comparison?.listener ?? null;
  const part = { bundle, opened, labels, listener: listeners, pace: paceOf(options), ports };
  const named =
    options.run === undefined
      ? null
      : await NamedReplay.open(ports, bundle, opened, {
          name: options.run,
          restart: options.restart === true,
        });
  const { summary, spans } =
    named === null ? await executeInMemory(part) : await executeNamed(part, named);
  const compared = (await comparison?.compare({ summary, spans, opened, ports })) ?? null;
  const json = {
    ...runResultJson(summary),
    ...(labels === null ? {} : { labels: labels.counts() }),
    ...(named === null ? {} : { run: { name: named.name, id: named.record.id } }),
    ...compared,
  };
  if (options.json) {
    await printJson(process.stdout, json);
  } else {
    process.stdout.write(runResultText(json));
    if (labels !== null) process.stdout.write(labels.text());
    if (compared !== null) process.stdout.write(comparisonText(compared));
  }
  if (compared?.comparison.equal === false) process.exitCode = EXIT_FAILED;
  if (named !== null && options.keep !== true) await clear(named);
}

async function clear(named: NamedReplay): Promise<void> {
  const left = await named.clear();
  if (left === null) return;
  process.stderr.write(
    `tidegauge: run ${named.name} is not deleted and expires by itself: ${left}\n`,
  );
}

function refuseContradictions(options: ReplayOptions): void {
  const given = (name: keyof ReplayOptions) => options[name] !== undefined;
  const refuse = (message: string) => {
    throw new CodedError('configuration.invalid', message);
  };
  if (given('data') === given('topic')) refuse('give either --data FILE or --topic NAME');
  if (given('topic') && (given('labels') || given('rows'))) {
    refuse('--labels and --rows go with --data, not with --topic');
  }
  // A run that goes on does not read again what it has published, and labels are counted in reading.
  if (given('labels') && given('run')) refuse('--labels does not go with --run');
  if (given('speed') && given('rate')) refuse('give either --speed or --rate');
  for (const name of ['redis', 'restart', 'keep'] as const) {
    if (given(name) && !given('run')) refuse(`--${name} goes with --run NAME`);
  }
  if (options.run === LIVE_RUN) refuse(`--run: ${LIVE_RUN} is the run of the services themselves`);
}

function openSource(options: ReplayOptions, ports: Connections): Promise<OpenSource> {
  if (options.data !== undefined) return openFileSource(options.data, options.rows ?? ALL_ROWS);
  const kafka = openKafka(brokersOf(options), {
    environment: process.env,
    clock: ports.clock,
    telemetry: ports.telemetry,
  });
  const { from, to } = options;
  return Promise.resolve(openTopicSource(kafka, { topic: options.topic!, from, to }));
}

function brokersOf({ brokers = process.env.KAFKA_BROKERS }: ReplayOptions): string {
  if (brokers !== undefined) return brokers;
  throw new CodedError(
    'configuration.invalid',
    '--topic and --run need --brokers or KAFKA_BROKERS',
  );
}

function redisOf({ redis = process.env.REDIS_URL }: ReplayOptions): string {
  if (redis !== undefined) return redis;
  throw new CodedError('configuration.invalid', '--run needs --redis or REDIS_URL');
}

function paceOf({ speed, rate }: ReplayOptions): Pace {
  if (speed !== undefined) return { kind: 'speed', factor: speed };
  if (rate !== undefined) return { kind: 'rate', recordsPerSecond: rate };
  return FULL_PACE;
}

function withWindows(bundle: Bundle, plans: readonly WindowPlan[] | undefined): Bundle {
  if (plans === undefined) return bundle;
  return { ...bundle, monitor: overrideWindows(bundle.monitor, plans) };
}
