/**
 * `tidegauge demo`: the credit-default example through the whole pipeline, in this process, on a
 * seeded stream with bad records and one drift.
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createAvroCodec } from '../core/codec/avro-encoder.ts';
import { executeRun } from '../embedded/execute-run.ts';
import { countedSource, type ReplayRecord, type ReplaySource } from '../replay/source.ts';
import { connect } from './connect.ts';
import { interruptSignal } from './interrupt.ts';
import { newRunId, openBundle, scopeOf } from './open-bundle.ts';
import { parseCount } from './option.ts';
import { createProgress, groupDigits } from './progress.ts';
import { type RunResultJson, runResultJson, runResultText, shortTime } from './run-result.ts';

const EXAMPLE_FOLDER = new URL('../../deploy/examples/credit-default/', import.meta.url);

const START_MS = Date.parse('2026-03-02T00:00:00Z');
const EVENTS_PER_SECOND = 4;
const BAD_SHARE = 0.01;
/** The campaign starts after this share of the stream, in the middle of a window. */
const DRIFT_AFTER = 0.6;
const PARTITION_COUNT = 3;
/** Every so many good events one is sent as JSON; the others are Avro. */
const JSON_EVERY = 10;

interface DemoOptions {
  readonly events: number;
  readonly seed: number;
  readonly json?: true;
}

interface Injected {
  readonly kind: string;
  readonly column: string;
  readonly start: string;
  readonly description: string;
}

/** The part of generate.mjs used here; the example is outside the compiled tree. */
interface Generator {
  readonly INJECTED_DRIFT: {
    readonly kind: string;
    readonly column: string;
    readonly description: string;
  };
  generateEvents(options: {
    readonly seed: number;
    readonly count: number;
    readonly startMs: number;
    readonly eventsPerSecond: number;
    readonly badShare: number;
    readonly driftStartMs: number | null;
  }): Iterable<
    | {
        readonly kind: 'good';
        readonly timestampMs: number;
        readonly event: { readonly applicationId: string };
      }
    | { readonly kind: string; readonly timestampMs: number; readonly bytes: Uint8Array }
  >;
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('run the whole pipeline on a generated stream with one drift, in this process')
    .option('--events <count>', 'events to generate', parseCount, 80_000)
    .option(
      '--seed <number>',
      'seed of the stream; the same seed gives the same result',
      parseCount,
      1,
    )
    .option('--json', 'print the result as one JSON object on the last line')
    .action(runDemo);
}

async function runDemo(options: DemoOptions): Promise<void> {
  const bundle = await openBundle(fileURLToPath(EXAMPLE_FOLDER));
  const ports = connect({
    environment: process.env,
    logLevel: 'error',
    serviceName: 'tidegauge',
    brokers: null,
    redisUrl: null,
    schemaRegistryUrl: null,
    bundle,
  });
  const driftStartMs =
    START_MS + Math.round((options.events / EVENTS_PER_SECOND) * DRIFT_AFTER) * 1000;
  const generator = (await import(new URL('generate.mjs', EXAMPLE_FOLDER).href)) as Generator;
  const drift = generator.INJECTED_DRIFT;
  const injected: Injected = {
    kind: drift.kind,
    column:
      bundle.monitor.columns.find((column) => column.path.join('.') === drift.column)?.name ??
      drift.column,
    start: new Date(driftStartMs).toISOString(),
    description: drift.description,
  };
  const progress = createProgress('scoring and measuring', ports.clock, process.stderr);
  const startedMs = ports.clock.monotonicMs();
  try {
    const result = await executeRun(ports, scopeOf(bundle, newRunId()), {
      source: demoSource(generator, bundle.eventSchema, { ...options, driftStartMs }),
      signal: interruptSignal(),
      onProgress: (done) => progress.update({ done, total: options.events, unit: 'events' }),
    });
    progress.end();
    const elapsedMs = ports.clock.monotonicMs() - startedMs;
    const json = {
      ...runResultJson(result),
      injected: [injected],
      elapsedMs: Math.round(elapsedMs),
    };
    process.stdout.write(
      options.json ? `${JSON.stringify(json)}\n` : demoText(json, injected, elapsedMs),
    );
  } finally {
    await ports.close();
  }
}

function demoSource(
  generator: Generator,
  eventSchema: unknown,
  options: DemoOptions & { readonly driftStartMs: number },
): ReplaySource {
  const codec = createAvroCodec<object>(eventSchema);
  return countedSource({
    partitionCount: PARTITION_COUNT,
    async *records(): AsyncIterable<ReplayRecord> {
      let index = 0;
      const records = generator.generateEvents({
        seed: options.seed,
        count: options.events,
        startMs: START_MS,
        eventsPerSecond: EVENTS_PER_SECOND,
        badShare: BAD_SHARE,
        driftStartMs: options.driftStartMs,
      });
      for (const record of records) {
        const good = 'event' in record ? record.event : null;
        const value =
          good === null
            ? (record as { bytes: Uint8Array }).bytes
            : index % JSON_EVERY === 0
              ? Buffer.from(JSON.stringify(good))
              : codec.encodeSingleObject(good);
        yield {
          partition: index % PARTITION_COUNT,
          key: good === null ? null : Buffer.from(good.applicationId),
          value,
          headers: {},
          timestampMs: record.timestampMs,
        };
        index += 1;
      }
    },
  });
}

function demoText(json: RunResultJson, injected: Injected, elapsedMs: number): string {
  const alert = json.alerts.find(
    (candidate) => candidate.state === 'firing' && candidate.column === injected.column,
  );
  const found =
    alert === undefined
      ? 'found        not found'
      : `found        ${alert.column}, ${minutes(Date.parse(alert.windowEnd) - Date.parse(injected.start))} of event time after it began`;
  const rate = groupDigits((json.events / elapsedMs) * 1000);
  return [
    '',
    `injected     ${shortTime(injected.start)}  ${injected.column}: ${injected.description}`,
    found,
    '',
    runResultText(json),
    `took         ${(elapsedMs / 1000).toFixed(1)} s, ${rate} events/s`,
    '',
  ].join('\n');
}

function minutes(durationMs: number): string {
  return `${Math.round(durationMs / 60_000)} min`;
}
