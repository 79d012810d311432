/** The judge must see what it is there to see: one topic after the other is tampered with. */
import { beforeEach, describe, expect, it } from 'vitest';
import { HEADER, headerBytes } from '../../services/core/message/header.ts';
import { type Pane, type PaneSource, paneCodec } from '../../services/core/message/pane.ts';
import { type Prediction, predictionCodec } from '../../services/core/message/prediction.ts';
import type { OutgoingRecord } from '../../services/core/message/record.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { stationMonitor } from '../support/embedded-run.ts';
import { compareOutputs } from './compare-outputs.ts';
import { keyOf } from './event-stream.ts';
import { type Judgement, judge } from './judge.ts';
import { Problems } from './problems.ts';
import { PARTITION_COUNT } from './world.ts';

const monitor = stationMonitor();
const topics = runTopics(monitor, 'live');
const EVENTS = 30;
/** The oracle meant it to be refused. */
const BAD = 12;

/** What the topics hold, to be tampered with before the judge reads it. */
interface Log {
  readonly records: OutgoingRecord[];
  readonly acknowledged: number[];
}

let log: Log;

beforeEach(() => {
  log = calmLog();
});

describe('the judge', () => {
  it('finds nothing where all is well', async () => {
    const { judgement, kinds } = await judged();
    expect(kinds).toEqual([]);
    expect(judgement).toMatchObject({
      inTopic: EVENTS,
      acknowledged: EVENTS,
      valid: EVENTS - 1,
      predictions: EVENTS - 1,
      quarantined: 1,
      lost: 0,
      countedTwice: 0,
      repeatedRecords: 0,
    });
  });

  it.each([
    ['of the same bytes', () => of(topics.valid, 4)],
    ['of a prediction that took another time', () => predicted(4, { latencyMs: 7 })],
  ] as const)('drops a repeat %s', async (_, again) => {
    repeat(again());
    const { judgement, kinds } = await judged();
    expect(kinds).toEqual([]);
    expect(judgement.repeatedRecords).toBe(1);
  });

  it.each([
    ['an event without an end', 'lost', () => remove(of(topics.predictions, 4))],
    ['an event that never left the validator', 'lost', () => remove(of(topics.quarantine, BAD))],
    ['an acknowledged event that is gone', 'lost', () => log.acknowledged.push(99)],
    ['a pane that lacks an event', 'lost', () => recount('events', -1)],
    ['a prediction too many in a pane', 'counted twice', () => recount('predictions', 1)],
    [
      'an event that is predicted and refused',
      'counted twice',
      () => repeat({ ...of(topics.predictions, 4), topic: topics.quarantine }),
    ],
    [
      'a repeat of other bytes',
      'conflict',
      () => repeat({ ...of(topics.valid, 4), value: Buffer.from('else') }),
    ],
    [
      'a prediction said again with another output',
      'conflict',
      () => repeat(predicted(4, { outputs: [0.75] })),
    ],
    ['a good event that is refused', 'verdict', () => refuse(4)],
    ['an event overtaken by a later one', 'order', () => swap(topics.valid, 3, 6)],
    [
      'a record in a partition that is not its own',
      'foreign',
      () => replace(of(topics.valid, 4), { partition: 2 }),
    ],
    ['a gap in the sequence of panes', 'gap', () => repeat(pane('events', 0, { sequence: 2 }))],
    [
      'a pane said in two ways',
      'conflict',
      () => repeat(pane('events', 0, { sequence: 0, slice: 'a=b' })),
    ],
  ] as const)('sees %s', async (_, kind, tamper) => {
    tamper();
    expect((await judged()).kinds).toContain(kind);
  });
});

describe('the comparison with a replay', () => {
  it('asks for the same panes, and allows more beyond the edge of the live run', async () => {
    const { judgement: live } = await judged();
    repeat(pane('events', 0, { sequence: 1, startMs: 10_000, endMs: 20_000 }));
    const { judgement: replayed } = await judged();
    const problems = new Problems();
    const same = compareOutputs('again', live.outputs, replayed.outputs, problems);
    expect(same).toMatchObject({ panes: 6, differing: 0, replaySha256: same.liveSha256 });
    expect(problems.isEmpty).toBe(true);
  });

  it('sees a pane that differs, and one that is missing live', async () => {
    const { judgement: live } = await judged();
    recount('events', 1);
    repeat(pane('predictions', 1, { sequence: 1, slice: 'a=b' }));
    const { judgement: replayed } = await judged();
    const problems = new Problems();
    const compared = compareOutputs('again', live.outputs, replayed.outputs, problems);
    expect(compared.differing).toBe(2);
    expect(compared.replaySha256).not.toBe(compared.liveSha256);
    expect(problems.countOf('replay')).toBe(2);
  });
});

async function judged(): Promise<{ judgement: Judgement; kinds: readonly string[] }> {
  const bus = createMemoryBus({ clock: createSystemClock() });
  const partitioned = [topics.events, topics.valid, topics.predictions, topics.quarantine];
  await bus.ensureTopics([
    ...partitioned.map((topic) => ({ topic, partitionCount: PARTITION_COUNT })),
    ...[topics.panes, topics.reports, topics.alerts].map((topic) => ({ topic, partitionCount: 1 })),
  ]);
  await bus.produce(log.records);
  const problems = new Problems();
  const oracle = { acknowledged: log.acknowledged, isGood: (serial: number) => serial !== BAD };
  const judgement = await judge({ bus, topics, oracle }, problems, 0);
  return { judgement, kinds: problems.summary().map(({ kind }) => kind) };
}

/** Thirty events over three partitions, one of them bad, all in one window. */
function calmLog(): Log {
  const serials = Array.from({ length: EVENTS }, (_, serial) => serial);
  const ends = serials.flatMap((serial) =>
    serial === BAD
      ? [derived(topics.quarantine, serial)]
      : [derived(topics.valid, serial), predicted(serial)],
  );
  const panes = [0, 1, 2].flatMap((partition) => [
    pane('events', partition),
    pane('predictions', partition),
  ]);
  return {
    records: [...serials.map((serial) => event(serial)), ...ends, ...panes],
    acknowledged: serials.map(offsetOf),
  };
}

function offsetOf(serial: number): number {
  return Math.floor(serial / PARTITION_COUNT);
}

function event(serial: number): OutgoingRecord {
  return {
    topic: topics.events,
    partition: serial % PARTITION_COUNT,
    key: Buffer.from(keyOf(serial)),
    value: Buffer.from(`event ${serial}`),
    headers: {},
    timestampMs: 0,
  };
}

function derived(topic: string, serial: number): OutgoingRecord {
  const partition = serial % PARTITION_COUNT;
  const origin = headerBytes(`${topics.events}:${partition}:${offsetOf(serial)}`);
  const stage =
    topic === topics.quarantine ? { [HEADER.errorStage]: headerBytes('validator') } : {};
  return { ...event(serial), topic, headers: { [HEADER.origin]: origin, ...stage } };
}

function predicted(serial: number, changes: Partial<Prediction> = {}): OutgoingRecord {
  const value = predictionCodec.encode({
    ...{ id: keyOf(serial), eventTimeMs: 0, modelVersion: '1', modelDigest: '', slices: [] },
    ...{ variant: 'primary', fallbackReason: '', outputs: [0.5], rawOutputs: [0.5] },
    ...{ policies: [], suppressed: false, latencyMs: 1 },
    ...changes,
  });
  return { ...derived(topics.predictions, serial), value };
}

function pane(source: PaneSource, partition: number, changes: Partial<Pane> = {}): OutgoingRecord {
  const badHere = BAD % PARTITION_COUNT === partition ? 1 : 0;
  const value = paneCodec.encode({
    monitor: monitor.name,
    ...{ source, partition, sequence: 0, kind: 'sealed', startMs: 0, endMs: 10_000, slice: '' },
    count: EVENTS / PARTITION_COUNT - badHere,
    sealedThroughMs: 10_000,
    columns: [],
    ...changes,
  });
  const headers = {};
  return { topic: topics.panes, partition: 0, key: null, value, headers, timestampMs: 0 };
}

function of(topic: string, serial: number): OutgoingRecord {
  const key = keyOf(serial);
  return log.records.find((record) => record.topic === topic && String(record.key) === key)!;
}

function remove(record: OutgoingRecord): void {
  log.records.splice(log.records.indexOf(record), 1);
}

function repeat(record: OutgoingRecord): void {
  log.records.push(record);
}

function replace(record: OutgoingRecord, changes: Partial<OutgoingRecord>): void {
  log.records[log.records.indexOf(record)] = { ...record, ...changes };
}

function swap(topic: string, first: number, second: number): void {
  const [a, b] = [of(topic, first), of(topic, second)];
  const [at, to] = [log.records.indexOf(a), log.records.indexOf(b)];
  log.records[at] = b;
  log.records[to] = a;
}

function refuse(serial: number): void {
  remove(of(topics.valid, serial));
  replace(of(topics.predictions, serial), derived(topics.quarantine, serial));
}

/** The pane of partition 0 holds so many more. */
function recount(source: PaneSource, change: number): void {
  const wrong = pane(source, 0, { count: EVENTS / PARTITION_COUNT - 1 + change });
  const right = pane(source, 0).value as Buffer;
  const record = log.records.find(({ value }) => value !== null && right.equals(value))!;
  replace(record, wrong);
}
