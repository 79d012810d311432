/**
 * The judge: reads every topic afresh when all is quiet and counts.
 *
 * The event topic is the truth: each of its records is one event, whoever put it there and however
 * often. Each must be in exactly one of predictions and quarantine, in its own partition and under its
 * own key, after repeats were dropped by origin; a repeat must be the same bytes. Sealed and late
 * panes must hold as many events as are valid, and as many predictions as were made.
 */
import { crc32 } from 'node:zlib';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { originOf } from '../../services/core/message/origin.ts';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import type { BusRecord } from '../../services/core/message/record.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { serialOf } from './event-stream.ts';
import type { Oracle } from './oracle.ts';
import type { Problems } from './problems.ts';
import { RunOutputs } from './run-outputs.ts';
import { PARTITION_COUNT, type World } from './world.ts';

/** The way an event took, one array each: CRC-32 of what was said, by event offset; 0: nothing. */
type Way = 'valid' | 'predicted' | 'quarantined' | 'refused';
const WAYS: readonly Way[] = ['valid', 'predicted', 'quarantined', 'refused'];

interface EventLog {
  readonly partition: number;
  /** By offset. */
  readonly serials: readonly number[];
  readonly said: Readonly<Record<Way, Uint32Array>>;
  readonly last: Record<Way, number>;
}

export interface Judgement {
  readonly inTopic: number;
  readonly acknowledged: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly predictions: number;
  readonly lost: number;
  readonly countedTwice: number;
  readonly repeatedRecords: number;
  /** Events in late panes. */
  readonly late: number;
  readonly outputs: RunOutputs;
}

/** What the judge takes the oracle's word for. */
export type Knowledge = Pick<Oracle, 'acknowledged' | 'isGood'>;

/** `closingCount`: events of each kind that are in a pane that is still open. */
export async function judge(
  world: Pick<World, 'bus' | 'topics'> & { readonly oracle: Knowledge },
  problems: Problems,
  closingCount: number,
): Promise<Judgement> {
  const { bus, topics, oracle } = world;
  const logs = await readEvents(bus, topics.events);
  checkAcknowledged(oracle, logs, problems);
  let repeatedRecords = 0;
  const take = (way: (record: BusRecord) => Way) => (record: BusRecord) => {
    if (!takeDerived(record, way(record), logs, topics.events, problems)) repeatedRecords += 1;
  };
  await readTopic(
    bus,
    topics.valid,
    PARTITION_COUNT,
    take(() => 'valid'),
  );
  await readTopic(
    bus,
    topics.predictions,
    PARTITION_COUNT,
    take(() => 'predicted'),
  );
  await readTopic(
    bus,
    topics.quarantine,
    PARTITION_COUNT,
    take(({ headers }) =>
      headerText(headers, HEADER.errorStage) === 'validator' ? 'quarantined' : 'refused',
    ),
  );
  const outputs = await readOutputs(world, problems);
  outputs.checkSequences();

  const counts = checkEveryEvent(logs, oracle, problems);
  checkPanes(outputs, counts, closingCount, problems);
  return {
    inTopic: logs.reduce((sum, { serials }) => sum + serials.length, 0),
    acknowledged: oracle.acknowledged.reduce<number>((sum) => sum + 1, 0),
    valid: counts.valid,
    quarantined: counts.quarantined + counts.refused,
    predictions: counts.predicted,
    lost: counts.lost,
    countedTwice: counts.twice,
    repeatedRecords,
    late: outputs.countOf('events', 'late'),
    outputs,
  };
}

export async function readTopic(
  bus: Bus,
  topic: string,
  partitionCount: number,
  take: (record: BusRecord) => void,
): Promise<void> {
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const at = { topic, partition };
    const { earliest, next } = await bus.offsets(at);
    for await (const record of bus.read(at, earliest, next)) take(record);
  }
}

async function readOutputs(
  { bus, topics }: Pick<World, 'bus' | 'topics'>,
  problems: Problems,
): Promise<RunOutputs> {
  const outputs = new RunOutputs(topics, problems);
  for (const topic of [topics.panes, topics.reports, topics.alerts]) {
    await readTopic(bus, topic, 1, (record) => outputs.takeRecord(record));
  }
  return outputs;
}

async function readEvents(bus: Bus, topic: string): Promise<readonly EventLog[]> {
  const serials = Array.from({ length: PARTITION_COUNT }, (): number[] => []);
  await readTopic(bus, topic, PARTITION_COUNT, ({ partition, offset, key }) => {
    serials[partition]![offset] = serialOf(Buffer.from(key ?? []).toString()) ?? -1;
  });
  return serials.map((each, partition) => {
    const perEvent = () => new Uint32Array(each.length);
    return {
      partition,
      serials: each,
      said: {
        valid: perEvent(),
        predicted: perEvent(),
        quarantined: perEvent(),
        refused: perEvent(),
      },
      last: { valid: -1, predicted: -1, quarantined: -1, refused: -1 },
    };
  });
}

/** What the broker acknowledged is where it said. */
function checkAcknowledged(oracle: Knowledge, logs: readonly EventLog[], problems: Problems): void {
  for (const [serial, offset] of oracle.acknowledged.entries()) {
    if (offset === undefined) continue;
    if (logs.some(({ serials }) => serials[offset] === serial)) continue;
    const where = logs.some(({ serials }) => serials.includes(serial)) ? 'is elsewhere' : 'is gone';
    problems.add('lost', `event ${serial}, acknowledged at offset ${offset}, ${where}`);
  }
}

/** False where it repeats what was said before. */
function takeDerived(
  record: BusRecord,
  way: Way,
  logs: readonly EventLog[],
  eventTopic: string,
  problems: Problems,
): boolean {
  const origin = originOf(record);
  const log = logs[record.partition];
  const serial = log?.serials[origin.offset];
  const place = `${record.topic}:${record.partition}:${record.offset}`;
  if (
    origin.topic !== eventTopic ||
    origin.partition !== record.partition ||
    serial === undefined
  ) {
    problems.add('foreign', `${place} says it comes from ${JSON.stringify(origin)}`);
    return true;
  }
  if (serialOf(Buffer.from(record.key ?? []).toString()) !== serial) {
    problems.add('foreign', `${place} comes from event ${serial} and has another key`);
  }
  const said = log!.said[way];
  const checksum = Math.max(1, crc32(contentOf(record, way)));
  if (said[origin.offset] !== 0) {
    if (said[origin.offset] !== checksum) {
      problems.add('conflict', `event ${serial} is ${way} with two contents, again at ${place}`);
    }
    return false;
  }
  said[origin.offset] = checksum;
  if (origin.offset < log!.last[way]) {
    problems.add('order', `event ${serial} came after ${log!.last[way]} at ${place}`);
  }
  log!.last[way] = Math.max(log!.last[way], origin.offset);
  return true;
}

/** Of the same event always the same: a prediction said again took its own time. */
function contentOf({ value }: BusRecord, way: Way): Uint8Array {
  if (value === null) return Buffer.alloc(0);
  if (way !== 'predicted') return value;
  return predictionCodec.encode({ ...predictionCodec.decode(value), latencyMs: 0 });
}

interface EventCounts extends Record<Way, number> {
  lost: number;
  twice: number;
}

function checkEveryEvent(
  logs: readonly EventLog[],
  oracle: Knowledge,
  problems: Problems,
): EventCounts {
  const counts = { valid: 0, predicted: 0, quarantined: 0, refused: 0, lost: 0, twice: 0 };
  for (const { partition, serials, said } of logs) {
    for (const [offset, serial] of serials.entries()) {
      const ways = WAYS.filter((way) => said[way][offset] !== 0);
      for (const way of ways) counts[way] += 1;
      const ends = ways.filter((way) => way !== 'valid');
      const event = `event ${serial} (${partition}:${offset})`;
      if (ends.length === 0) {
        counts.lost += 1;
        problems.add('lost', `${event} is ${ways.length === 0 ? 'nowhere' : 'valid and no more'}`);
      } else if (ends.length > 1 || ways.includes('valid') === ways.includes('quarantined')) {
        counts.twice += 1;
        problems.add('counted twice', `${event} is ${ways.join(', ')}`);
      } else if (oracle.isGood(serial) !== (ends[0] === 'predicted')) {
        problems.add('verdict', `${event} is ${ways.join(', ')}, against the rules`);
      }
    }
  }
  return counts;
}

/** Adds what the panes lack, or have too many, to what is lost or counted twice. */
function checkPanes(
  outputs: RunOutputs,
  counts: EventCounts,
  closingCount: number,
  problems: Problems,
): void {
  for (const [source, expected] of [
    ['events', counts.valid - closingCount],
    ['predictions', counts.predicted - closingCount],
  ] as const) {
    const found = outputs.countOf(source);
    if (found === expected) continue;
    counts.lost += Math.max(0, expected - found);
    counts.twice += Math.max(0, found - expected);
    const kind = found < expected ? 'lost' : 'counted twice';
    problems.add(kind, `panes hold ${found} ${source}, expected ${expected}`);
  }
}
