/**
 * `tidegauge redrive`: quarantined events back to the event topic, once each, after a rule, a schema
 * or a model was fixed.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CodedError, ERRORS, type ErrorClass, type ErrorCode } from '../core/errors.ts';
import type { QuarantineStage } from '../core/message/quarantine.ts';
import { LIVE_RUN } from '../core/message/topics.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { QuarantineEdge } from '../redrive/quarantine-range.ts';
import { type RedriveResult, redrive } from '../redrive/redrive.ts';
import { isRule, STAGES } from '../redrive/refusal.ts';
import { type Connections, connect, openKafka } from './connect.ts';
import { EXIT_FAILED } from './exit.ts';
import { interruptSignal } from './interrupt.ts';
import { openBundle, scopeOf } from './open-bundle.ts';
import { parseCount, parseRangeEdge } from './option.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { redriveJson, redriveText } from './redrive-result.ts';
import { createValidatorTrial } from './validator-trial.ts';

export interface RedriveCommandOptions {
  readonly bundle: string;
  readonly brokers?: string;
  readonly redis?: string;
  readonly schemaRegistry?: string;
  readonly class?: readonly ErrorClass[];
  readonly rule?: readonly ErrorCode[];
  readonly stage?: QuarantineStage;
  readonly since: QuarantineEdge;
  readonly until: QuarantineEdge;
  readonly dryRun?: true;
  readonly rate: number;
  readonly attempts: number;
  readonly json?: true;
}

export function addRedriveCommand(program: Command): void {
  program
    .command('redrive')
    .description('send quarantined events back to the event topic, once each')
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor, as it is now')
    .option('--brokers <host:port,…>', 'Kafka brokers (default: KAFKA_BROKERS)')
    .option('--redis <url>', 'Redis (default: REDIS_URL)')
    .option(
      '--schema-registry <url>',
      'schema registry for Confluent ids (default: SCHEMA_REGISTRY_URL)',
    )
    .option('--class <name>', 'class of the broken rule; may be given several times', collectClass)
    .option('--rule <code>', 'code of the broken rule; may be given several times', collectRule)
    .addOption(new Option('--stage <service>', 'the service that refused').choices(STAGES))
    .option(
      '--since <edge>',
      'refused at or after: earliest, an offset or an ISO 8601 instant',
      parseRangeEdge,
      parseRangeEdge('earliest'),
    )
    .option(
      '--until <edge>',
      'refused before: next, an offset or an ISO 8601 instant',
      parseRangeEdge,
      parseRangeEdge('next'),
    )
    .option('--dry-run', 'say what would be sent and what would come of it; write nothing')
    .option('--rate <count>', 'events sent per second', parsePositive, 1_000)
    .option('--attempts <count>', 'leave events that were refused this often', parsePositive, 3)
    .option('--json', 'print the result as one JSON object on the last line')
    .action(runRedrive);
}

async function runRedrive(options: RedriveCommandOptions): Promise<void> {
  const { env } = process;
  const bundle = await openBundle(options.bundle);
  const brokers = required(options.brokers ?? env.KAFKA_BROKERS, '--brokers or KAFKA_BROKERS');
  // A dry run looks at the topics alone.
  const redisUrl = options.dryRun
    ? null
    : required(options.redis ?? env.REDIS_URL, '--redis or REDIS_URL');
  const ports = connect({
    environment: env,
    logLevel: 'warn',
    serviceName: 'tidegauge-redrive',
    brokers,
    redisUrl,
    schemaRegistryUrl: options.schemaRegistry ?? env.SCHEMA_REGISTRY_URL ?? null,
    bundle,
  });
  // A client that sent a batch again by itself would have its events counted twice.
  const sender = openKafka(brokers, {
    ...{ environment: env, clock: ports.clock, telemetry: ports.telemetry },
    limits: { retryAttemptsMax: 0 },
  });
  try {
    await printRedrive({ ...ports, sender }, bundle, options);
  } finally {
    await sender.close();
    await ports.close();
  }
}

/** On the ports given, for the command and for tests. */
export async function printRedrive(
  ports: Omit<Connections, 'close'> & Parameters<typeof redrive>[0],
  bundle: Bundle,
  options: RedriveCommandOptions,
): Promise<void> {
  const scope = scopeOf(bundle, LIVE_RUN);
  const dryRun = options.dryRun ?? false;
  const progress = createProgress(dryRun ? 'trying' : 'redriving', ports.clock, process.stderr);
  const result = await redrive(ports, scope, {
    criteria: {
      classes: options.class ?? null,
      rules: options.rule ?? null,
      stage: options.stage ?? null,
      attemptsMax: options.attempts,
    },
    since: options.since,
    until: options.until,
    ratePerSecond: options.rate,
    tryEvents: dryRun ? createValidatorTrial(ports, scope) : null,
    signal: interruptSignal(),
    onProgress: (done, total) => progress.update({ done, total, unit: 'record' }),
  });
  progress.end();
  const json = redriveJson(result, dryRun);
  if (options.json) await printJson(process.stdout, json);
  else process.stdout.write(redriveText(json));
  if (result.end === 'done') return;
  process.stderr.write(`tidegauge: ${REASONS[result.end]}\n`);
  process.exitCode = EXIT_FAILED;
}

const REASONS: Readonly<Record<Exclude<RedriveResult['end'], 'done'>, string>> = {
  interrupted: 'the redrive was interrupted; the next one goes on where it was',
  fenced: 'another redrive of this monitor has started, so this one stopped before its next batch',
  lost: 'the state store was emptied or went back in time; run the redrive again, it reads the event topic for what was sent',
};

function collectClass(
  text: string,
  earlier: readonly ErrorClass[] | undefined,
): readonly ErrorClass[] {
  const classes = [...new Set(Object.keys(ERRORS).filter(isRule).map(classOf))];
  const found = classes.find((name) => name === text);
  if (found !== undefined) return [...(earlier ?? []), found];
  throw new InvalidArgumentError(`"${text}" is not one of ${classes.join(', ')}`);
}

function collectRule(
  text: string,
  earlier: readonly ErrorCode[] | undefined,
): readonly ErrorCode[] {
  if (isRule(text)) return [...(earlier ?? []), text];
  const rules = Object.keys(ERRORS).filter(isRule);
  throw new InvalidArgumentError(`"${text}" is not one of ${rules.join(', ')}`);
}

function classOf(rule: ErrorCode): ErrorClass {
  return ERRORS[rule].class;
}

function parsePositive(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError(`"${text}" is not at least 1`);
  return count;
}

function required(value: string | undefined, where: string): string {
  if (value === undefined || value === '') {
    throw new CodedError('configuration.invalid', `a redrive needs ${where}`);
  }
  return value;
}
