/** The credit-default example's bundle and stream, under names of one test's own. */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateEvents } from '../../deploy/examples/credit-default/generate.mjs';
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { ROOT } from './source-tree.ts';

export const EXAMPLE = join(ROOT, 'deploy/examples/credit-default');

export interface OwnBundle {
  readonly directory: string;
  readonly monitor: string;
  readonly topic: (what: string) => string;
  remove(): Promise<void>;
}

/** A copy whose monitor and topics collide with nothing; five-minute windows. */
export async function ownCreditBundle(): Promise<OwnBundle> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegauge-bundle-'));
  await cp(EXAMPLE, directory, { recursive: true });
  const monitor = `credit-${randomUUID().slice(0, 8)}`;
  const file = join(directory, 'monitor.yaml');
  const text = await readFile(file, 'utf8');
  const changed = text
    .replace('monitor: credit-default', `monitor: ${monitor}`)
    .replace(
      'events: credit.applications',
      `events: ${monitor}.events\n  alerts: ${monitor}.alerts`,
    )
    .replace('windows: [15m]', 'windows: [5m]');
  await writeFile(file, changed);
  const topic = (what: string) =>
    what === 'events' || what === 'alerts' ? `${monitor}.${what}` : `tidegauge.${monitor}.${what}`;
  return { directory, monitor, topic, remove: () => rm(directory, { recursive: true }) };
}

export interface CreditStream {
  /** In order; every one is either good, then `event`, or bad, then `bytes`. */
  readonly records: readonly {
    readonly key: string;
    readonly json: string | null;
    readonly avro: Uint8Array | null;
    readonly bytes: Uint8Array | null;
  }[];
  readonly goodCount: number;
  readonly badCount: number;
}

/** Four applications a second from 2026-03-02T00:00:00Z, one in fifty bad. */
export async function creditStream(options: {
  readonly count: number;
  readonly driftStartMs: number | null;
}): Promise<CreditStream> {
  const schema: unknown = JSON.parse(await readFile(join(EXAMPLE, 'event.avsc'), 'utf8'));
  const codec = createAvroCodec<object>(schema);
  const generated = generateEvents({
    seed: 11,
    count: options.count,
    startMs: CREDIT_START_MS,
    eventsPerSecond: 4,
    badShare: 0.02,
    driftStartMs: options.driftStartMs,
  });
  // kcat sends no empty file; that kind of bad record has tests of its own.
  const sendable = [...generated].filter((record) => record.kind !== 'empty');
  const records = sendable.map((record, index) =>
    record.kind === 'good'
      ? {
          key: record.event.applicationId,
          json: JSON.stringify(record.event),
          avro: codec.encodeSingleObject(record.event),
          bytes: null,
        }
      : { key: `bad-${index}`, json: null, avro: null, bytes: record.bytes },
  );
  const goodCount = records.filter((record) => record.json !== null).length;
  return { records, goodCount, badCount: records.length - goodCount };
}

export const CREDIT_START_MS = Date.parse('2026-03-02T00:00:00Z');

/** Over three partitions in turn, Avro and JSON mixed, each record with the time of its event. */
export async function produceCreditStream(
  bus: Bus,
  topic: string,
  { records }: CreditStream,
): Promise<void> {
  const outgoing = records.map((record, index) => ({
    topic,
    partition: index % 3,
    key: Buffer.from(record.key),
    value: record.bytes ?? (index % 2 === 0 ? record.avro : Buffer.from(record.json!)),
    headers: {},
    timestampMs: CREDIT_START_MS + index * 250,
  }));
  // A request that fails for one partition repeats the others'; so each gets its own.
  for (const partition of [0, 1, 2]) {
    await bus.produce(outgoing.filter((record) => record.partition === partition));
  }
}
