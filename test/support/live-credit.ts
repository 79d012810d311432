/**
 * `tidegauge up` on the credit-default example, with a judge: events are sent in order, and what the
 * panes and reports on the bus say is added up afterwards.
 */
import { expect } from 'vitest';
import { type PaneSource, paneCodec } from '../../services/core/message/pane.ts';
import { reportCodec } from '../../services/core/message/report.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { CREDIT_START_MS, creditStream, ownCreditBundle } from './credit-stream.ts';
import { type Running, startTidegauge } from './tidegauge.ts';

const PARTITION_COUNT = 3;
const DAY_MS = 86_400_000;

type CreditRecords = Awaited<ReturnType<typeof creditStream>>['records'];

export interface LiveCredit {
  readonly bus: Bus;
  readonly monitor: string;
  /** The stream; bad records are left out. */
  readonly events: CreditRecords;
  topic(what: string): string;
  /** Starts `tidegauge up`; resolves with the address of its health endpoint when it is ready. */
  start(redisUrl: string): Promise<string>;
  stop(): Promise<number | null>;
  /** Standard error of every start so far. */
  log(): string;
  send(events: CreditRecords): Promise<void>;
  /** An event of the next day on every partition, which seals all panes before it. */
  sendClosing(): Promise<void>;
  /** How many events are in sealed and late panes; fails where a sequence has two contents. */
  countIn(source: PaneSource): Promise<number>;
  /** How many records the topics hold in all partitions. */
  sizeOf(what: string): Promise<number>;
  /** Fails where report sequences have gaps, or one has two contents. */
  checkReports(): Promise<void>;
  close(): Promise<void>;
}

export async function startLiveCredit(brokers: string, eventCount: number): Promise<LiveCredit> {
  const bundle = await ownCreditBundle();
  const bus = createKafkaBus({
    brokers: brokers.split(','),
    clientId: 'test',
    clock: createSystemClock(),
    logger: createMemoryTelemetry().logger('test'),
  });
  await bus.ensureTopics([{ topic: bundle.topic('events'), partitionCount: PARTITION_COUNT }]);
  const stream = await creditStream({ count: eventCount, driftStartMs: null });
  const events = stream.records.filter(({ json }) => json !== null);
  let running: Running | null = null;
  let earlierLog = '';

  const produce = (values: readonly string[]) =>
    bus.produce(
      values.map((value, index) => ({
        ...{ topic: bundle.topic('events'), partition: index % PARTITION_COUNT, headers: {} },
        ...{ key: null, value: Buffer.from(value), timestampMs: null },
      })),
    );

  const log = async (what: string): Promise<Uint8Array[]> => {
    const at = { topic: bundle.topic(what), partition: 0 };
    const { earliest, next } = await bus.offsets(at);
    const values: Uint8Array[] = [];
    for await (const { value } of bus.read(at, earliest, next)) values.push(value!);
    return values;
  };

  return {
    ...{ bus, monitor: bundle.monitor, events, topic: bundle.topic },
    async start(redisUrl) {
      earlierLog += running?.stderr() ?? '';
      const options = { bundle: bundle.directory, brokers, redis: redisUrl, http: '127.0.0.1:0' };
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      running = startTidegauge(['up', ...args, '--json'], { LOG_LEVEL: 'warn' });
      return (await running.firstLine()).http as string;
    },
    stop: async () => running?.stop() ?? null,
    log: () => earlierLog + (running?.stderr() ?? ''),
    send: (chosen) => produce(chosen.map(({ json }) => json!)),
    sendClosing() {
      const closing = { ...JSON.parse(events[0]!.json!), submittedAt: CREDIT_START_MS + DAY_MS };
      return produce(Array.from({ length: PARTITION_COUNT }, () => JSON.stringify(closing)));
    },
    async countIn(source) {
      return withoutRepeats(await log('panes'), (value) => {
        const pane = paneCodec.decode(value);
        return `${pane.source}:${pane.partition}:${pane.sequence}`;
      })
        .map((value) => paneCodec.decode(value))
        .filter((pane) => pane.source === source && pane.slice === '')
        .filter(({ kind }) => kind === 'sealed' || kind === 'late')
        .reduce((sum, { count }) => sum + count, 0);
    },
    async sizeOf(what) {
      const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => partition);
      const offsets = await Promise.all(
        partitions.map((partition) => bus.offsets({ topic: bundle.topic(what), partition })),
      );
      return offsets.reduce((sum, { next }) => sum + next, 0);
    },
    async checkReports() {
      const sequenceOf = (value: Uint8Array) => String(reportCodec.decode(value).sequence);
      const reports = withoutRepeats(await log('reports'), sequenceOf);
      expect(reports.length).toBeGreaterThan(0);
      expect(reports.map(sequenceOf).map(Number)).toEqual(reports.map((_, index) => index));
      const places = reports.map((value) => {
        const { windowStartMs, slice, baseline, revision } = reportCodec.decode(value);
        return `${windowStartMs} ${slice} ${baseline} ${revision}`;
      });
      expect(new Set(places).size).toBe(places.length);
    },
    async close() {
      running?.process.kill('SIGKILL');
      await running?.exited;
      await bus.close();
      await bundle.remove();
    },
  };
}

/** The first record of each sequence; a later one must be the same byte for byte. */
function withoutRepeats(
  values: readonly Uint8Array[],
  sequenceOf: (value: Uint8Array) => string,
): Uint8Array[] {
  const first = new Map<string, Uint8Array>();
  for (const value of values) {
    const sequence = sequenceOf(value);
    const earlier = first.get(sequence);
    if (earlier === undefined) first.set(sequence, value);
    else expect(Buffer.compare(earlier, value), `two contents of ${sequence}`).toBe(0);
  }
  return [...first.values()];
}
