/**
 * The validator's decision against hostile records: each goes exactly one way, in its own partition,
 * with its bytes untouched; nothing is thrown, nothing unforeseen, and no memory is kept.
 *
 *     FUZZ_RUNS=1000000 npx vitest run test/property/validator-fuzz.property.test.ts
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateEvents } from '../../deploy/examples/credit-default/generate.mjs';
import { createEventReader } from '../../services/core/codec/event-reader.ts';
import { ERRORS, type ErrorCode } from '../../services/core/errors.ts';
import {
  QUARANTINE_VALUE_BYTES_MAX,
  REJECTION_MESSAGE_LENGTH_MAX,
} from '../../services/core/limits.ts';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { type BusRecord, withTraceparent } from '../../services/core/message/record.ts';
import { LIVE_RUN, runTopics } from '../../services/core/message/topics.ts';
import type { Monitor } from '../../services/core/monitor/monitor.ts';
import { loadBundle } from '../../services/platform/config/load-bundle.ts';
import { WriterSchemas } from '../../services/platform/registry/writer-schemas.ts';
import { createRoute, type Route } from '../../services/validator/route.ts';
import { createValidate } from '../../services/validator/validate.ts';
import { EXAMPLE } from '../support/credit-stream.ts';
import { stationMonitor } from '../support/embedded-run.ts';
import { createHostileRecords, type EventSource, KNOWN_SCHEMA_ID } from './hostile-records.ts';
import { RICH_EVENT, RICH_EVENT_JSON, RICH_MAPPING, RICH_SCHEMA } from './rich-event.ts';
import { createRandom } from './seeded-mutations.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const RUNS_PER_SEED = 1_000;
/** Measured: less than 3 MiB over a million records. */
const HEAP_GROWTH_BYTES_MAX = 16 * 1_048_576;
const TIMEOUT_MS = 60_000 + RUNS;

const ERROR_HEADERS = [
  HEADER.errorStage,
  HEADER.errorClass,
  HEADER.errorRule,
  HEADER.errorMessage,
  HEADER.errorOrigin,
  HEADER.errorAttempt,
];
/** What the validator may write over; every other header is the producer's. */
const OWN_HEADERS: ReadonlySet<string> = new Set([HEADER.origin, ...ERROR_HEADERS]);

interface Target {
  readonly monitor: Monitor;
  readonly route: (record: BusRecord) => Route;
  readonly writerSchemas: WriterSchemas;
  readonly next: ReturnType<typeof createHostileRecords>;
}

function targetOf(monitor: Monitor, source: EventSource): Target {
  const { schema } = source;
  const reader = createEventReader({ schema, mapping: monitor, needsRoot: true });
  expect(reader.addWriterSchema(KNOWN_SCHEMA_ID, schema)).toBeNull();
  const topics = runTopics(monitor, LIVE_RUN);
  const validate = createValidate(monitor);
  return {
    monitor,
    route: createRoute({ topics, run: LIVE_RUN, reader, validate }),
    writerSchemas: new WriterSchemas(null, reader),
    next: createHostileRecords(source),
  };
}

async function exampleTarget(): Promise<Target> {
  const loaded = await loadBundle(EXAMPLE);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { monitor, eventSchema } = loaded.bundle;
  const generated = generateEvents({
    ...{ seed: 3, count: 50, startMs: 1_700_000_000_000, eventsPerSecond: 10 },
    ...{ badShare: 0, driftStartMs: null },
  });
  const events = [...generated].flatMap((record) =>
    record.kind === 'good' ? [{ avro: record.event, json: record.event }] : [],
  );
  return targetOf(monitor, { schema: eventSchema, events });
}

function richTarget(): Target {
  const [amount, ...columns] = RICH_MAPPING.columns;
  const monitor = stationMonitor({
    ...RICH_MAPPING,
    columns: [
      { ...amount, minimum: 0, maximum: 1_000 },
      ...columns.map((column) =>
        column.name === 'label' ? { ...column, pattern: '^[a-zü]+ß?e$' } : column,
      ),
    ],
    futureSkewMs: 60_000,
    relations: [
      { name: 'aged', expression: 'event.features.age > 0.0 && event.features["debt"] < 1e9' },
      { name: 'flagged', expression: 'event.flags.all(flag, flag != "y")' },
      { name: 'grown', expression: 'event.tree.children.exists(child, child.label != "")' },
      { name: 'counted', expression: 'event.count * 2 <= event.at && size(event.nothing) < 1000' },
    ],
  });
  const events = [
    { avro: RICH_EVENT, json: RICH_EVENT_JSON },
    { avro: { ...RICH_EVENT, amount: null }, json: { ...RICH_EVENT_JSON, amount: null } },
  ];
  return targetOf(monitor, { schema: RICH_SCHEMA, events });
}

/** What is wrong with where the record went, `null` where nothing is. */
function violation(record: BusRecord, value: Uint8Array | null, routed: Route, target: Target) {
  const { topics } = target.monitor;
  const { record: out } = routed;
  const origin = `events:${record.partition}:${record.offset}`;
  if (out.partition !== record.partition) return `partition ${out.partition}`;
  if (!sameBytes(out.key, record.key)) return 'another key';
  if (!sameBytes(out.value, value)) return 'other bytes';
  if (headerText(out.headers, HEADER.origin) !== origin) return 'another origin';
  for (const [name, bytes] of Object.entries(record.headers)) {
    if (!OWN_HEADERS.has(name) && out.headers[name] !== bytes) return `another header ${name}`;
  }
  if (routed.kind === 'control') return 'a control record on the live stream';
  if (routed.kind === 'valid') return out.topic === topics.valid ? null : `topic ${out.topic}`;
  if (out.topic !== topics.quarantine) return `topic ${out.topic}`;
  return quarantineViolation(routed, origin);
}

function quarantineViolation({ record, ...routed }: Route, origin: string): string | null {
  const [stage, errorClass, rule, message, errorOrigin, attempt] = ERROR_HEADERS.map(
    (name) => headerText(record.headers, name) ?? '',
  ) as [string, string, string, string, string, string];
  const error = ERRORS[rule as ErrorCode];
  if (stage !== 'validator') return `stage ${stage}`;
  if (error?.kind !== 'permanent' || error.class !== errorClass) return `${rule} of ${errorClass}`;
  if (rule === 'internal.failure' || message.startsWith('the reader failed')) {
    return `an unforeseen failure: ${message}`;
  }
  if (message === '' || message.length > REJECTION_MESSAGE_LENGTH_MAX) {
    return `message ${message}`;
  }
  if (errorOrigin !== origin) return `error origin ${errorOrigin}`;
  if (!/^[1-9]\d{0,15}$/.test(attempt)) return `attempt ${attempt}`;
  return 'rejection' in routed && routed.rejection.code === rule ? null : 'two reasons';
}

function sameBytes(left: Uint8Array | null, right: Uint8Array | null): boolean {
  if (left === null || right === null) return left === right;
  return Buffer.compare(left, right) === 0;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test(`${RUNS} hostile records each go exactly one way`, { timeout: TIMEOUT_MS }, async () => {
  const targets = [await exampleTarget(), richTarget()];
  const counts = new Map<string, number>();
  const startedMs = performance.now();
  let heapAfterWarmUp = 0;
  let seedCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (seed) => {
      const random = createRandom(seed);
      for (let index = 0; index < RUNS_PER_SEED; index++) {
        const target = targets[index % targets.length]!;
        const record = target.next(random);
        const value = record.value?.slice() ?? null;
        expect(value?.length ?? 0).toBeLessThan(QUARANTINE_VALUE_BYTES_MAX);
        await target.writerSchemas.fetchFor([record]);
        const routed = target.route(record);
        withTraceparent(routed.record, 'traceparent');
        const wrong = violation(record, value, routed, target);
        if (wrong !== null) {
          const bytes = value === null ? 'null' : Buffer.from(value).toString('hex');
          throw new Error(`record ${index} of seed ${seed}: ${wrong}; value ${bytes}`);
        }
        const way = routed.kind === 'quarantined' ? routed.rejection.code : routed.kind;
        counts.set(way, (counts.get(way) ?? 0) + 1);
      }
      // Caches of compiled code and of schema ids are full by then.
      if (++seedCount === 10) heapAfterWarmUp = heapBytes();
    }),
    { numRuns: Math.ceil(RUNS / RUNS_PER_SEED), endOnFailure: true },
  );
  const heapGrowthBytes = heapBytes() - heapAfterWarmUp;
  if (process.env.FUZZ_RUNS !== undefined) {
    const seconds = Math.round(performance.now() - startedMs) / 1_000;
    const byCount = Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
    console.log(JSON.stringify({ runs: RUNS, seconds, heapGrowthBytes, ...byCount }));
  }
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(
    Math.ceil(RUNS / RUNS_PER_SEED) * RUNS_PER_SEED,
  );
  // A fuzz that reaches only the first check proves nothing.
  expect(counts.get('valid')).toBeGreaterThan(RUNS / 50);
  expect(counts.size).toBeGreaterThan(15);
  expect(heapGrowthBytes).toBeLessThan(HEAP_GROWTH_BYTES_MAX);
});
