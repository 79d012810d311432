/** Panes in, reports out: windows that are revised, and a state that is made anew from the topics. */
import { describe, expect, it } from 'vitest';
import { asBuffer } from '../../../services/core/message/message-codec.ts';
import { type Pane, paneCodec } from '../../../services/core/message/pane.ts';
import { type Report, reportCodec } from '../../../services/core/message/report.ts';
import {
  createColumnSketch,
  encodeColumnSketch,
} from '../../../services/core/sketch/column-sketch.ts';
import { tumblingPlan } from '../../../services/core/window/window-plan.ts';
import { createEvaluatorEvents } from '../../../services/evaluator/events.ts';
import { rebuildFromPanes } from '../../../services/evaluator/rebuild.ts';
import { EvaluatorShard, type EvaluatorShardOptions } from '../../../services/evaluator/shard.ts';
import { EMPTY_EVALUATOR } from '../../../services/evaluator/state.ts';
import type { Bus, BusRecord } from '../../../services/platform/bus/bus.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';

const TOPICS = { panes: 'panes', reports: 'reports' };

function setUp(changes: Partial<EvaluatorShardOptions> = {}) {
  const telemetry = createMemoryTelemetry();
  const options: EvaluatorShardOptions = {
    ...{ monitor: 'm', run: 'r', reportsTopic: TOPICS.reports, monotonicMs: () => 0 },
    events: createEvaluatorEvents(telemetry),
    contributors: [{ source: 'events', partition: 0 }],
    ...{ windows: [tumblingPlan(1_000)], baselines: [{ kind: 'reference' }], reviseMs: 2_000 },
    columns: [
      {
        ...{ name: 'level', type: 'numeric' },
        drift: { kind: 'threshold', distance: 'ks', threshold: 0.5 },
      },
    ],
    ...{ outputs: [], sets: [], countMin: 1, falseAlarms: null, distances: [], reference: null },
    ...changes,
  };
  const shard = new EvaluatorShard(options, EMPTY_EVALUATOR);
  return { telemetry, options, shard, read: (...panes: Pane[]) => readInto(shard, panes) };
}

function readInto(shard: EvaluatorShard, panes: readonly Pane[]): readonly Report[] {
  for (const pane of panes) shard.accept(recordOf(TOPICS.panes, 0, paneCodec.encode(pane)));
  return shard.takeChanges().outputs.map(({ value }) => reportCodec.decode(value!));
}

function recordOf(topic: string, offset: number, value: Uint8Array): BusRecord {
  return { topic, partition: 0, offset, key: null, value, headers: {}, timestampMs: 0 };
}

/** One partition's panes, a second each, numbered as they are made. */
function writer(partition = 0, firstSequence = 0) {
  let sequence = firstSequence;
  let sealedThroughMs = 0;
  const write = (fields: Partial<Pane>): Pane => ({
    ...{ monitor: 'm', source: 'events', partition, sequence: sequence++, kind: 'progress' },
    ...{ startMs: 0, endMs: 0, slice: '', count: 0, sealedThroughMs, columns: [] },
    ...fields,
  });
  const data = (kind: 'sealed' | 'late', startMs: number, level: number, slice = ''): Pane => {
    const sketch = createColumnSketch('numeric');
    sketch.add(level);
    const columns = [{ name: 'level', sketch: asBuffer(encodeColumnSketch(sketch)) }];
    return write({ kind, startMs, endMs: startMs + 1_000, slice, count: 1, columns });
  };
  return {
    sealed: (startMs: number, level = 1, slice = '') => data('sealed', startMs, level, slice),
    late: (startMs: number, level = 1, slice = '') => data('late', startMs, level, slice),
    step(throughMs: number) {
      sealedThroughMs = throughMs;
      return write({});
    },
    idle: () => write({ kind: 'idle' }),
  };
}

const told = ({ windowEndMs, slice, revision, count, sequence }: Report) =>
  `${sequence}: ${windowEndMs}${slice && ` ${slice}`} r${revision} n${count}`;

describe('a window that something came late for', () => {
  it('has a second report of the slices concerned, with the same id', () => {
    const { telemetry, read } = setUp();
    const { sealed, late, step } = writer();
    const reports = read(
      ...[sealed(0), sealed(0, 1, 'station=a'), step(1_000)],
      ...[sealed(1_000), late(0, 5), step(2_000), step(3_000), step(4_000)],
    );
    expect(reports.map(told)).toEqual([
      '0: 1000 r0 n1',
      '1: 1000 station=a r0 n1',
      '2: 2000 r0 n1',
      '3: 1000 r1 n2',
    ]);
    expect(reports[3]!.id).toBe(reports[0]!.id);
    expect(reports[3]!.columns[0]).toMatchObject({ count: 2, shape: null });
    const judged = (name: string) => telemetry.count(name, { verdict: 'no-reference' });
    expect(judged('tidegauge.evaluator.windows')).toBe(3);
    expect(judged('tidegauge.evaluator.revisions')).toBe(1);
  });

  it('has its first report then, where all of it came late', () => {
    const { read } = setUp();
    const { late, step } = writer();
    expect(read(step(1_000), late(0), step(2_000), step(3_000)).map(told)).toEqual([
      '0: 1000 r1 n1',
    ]);
  });

  it('is not revised for what came later still, which is counted', () => {
    const { telemetry, read } = setUp();
    const { sealed, late, step } = writer();
    const reports = read(sealed(0), step(3_000), late(0), step(4_000), step(9_000));
    expect(reports.map(told)).toEqual(['0: 1000 r0 n1']);
    const lateCount = telemetry.count('tidegauge.evaluator.late.events', {
      source: 'events',
    });
    expect(lateCount).toBe(1);
  });

  it('stays in the baselines of others as it was judged first', () => {
    const { read } = setUp({ baselines: [{ kind: 'trailing', windows: 1 }], reviseMs: 1_000 });
    const { sealed, late, step } = writer();
    const reports = read(
      ...[sealed(0, 1), step(1_000), late(0, 9), sealed(1_000, 1), step(2_000)],
      ...[sealed(2_000, 1), step(3_000)],
    );
    expect(reports.map(told)).toEqual([
      '0: 1000 r0 n1',
      '1: 2000 r0 n1',
      '2: 1000 r1 n2',
      '3: 3000 r0 n1',
    ]);
    expect(reports.filter(({ revision }) => revision === 0).at(1)).toMatchObject({
      columns: [{ verdict: 'ok', distances: { ks: 0 } }],
    });
  });
});

/** The two topics, for reading only; a topic may have lost its beginning. */
function logBus(logs: Readonly<Record<string, { from: number; values: readonly Uint8Array[] }>>) {
  const bus: Pick<Bus, 'offsets' | 'read'> = {
    async offsets({ topic }) {
      const { from, values } = logs[topic]!;
      return { earliest: from, next: from + values.length };
    },
    async *read({ topic }, from, to) {
      const log = logs[topic]!;
      const records = log.values.map((value, i) => recordOf(topic, log.from + i, value));
      yield* records.filter(({ offset }) => offset >= from && offset < to);
    },
  };
  return bus as Bus;
}

describe('a state that is made anew', () => {
  const contributors = [
    { source: 'events', partition: 0 },
    { source: 'events', partition: 1 },
  ] as const;

  async function rebuilt(panes: readonly Pane[], options: { from: number; reportsNext: number }) {
    const { telemetry, options: shardOptions } = setUp({ contributors });
    const values = panes.map((pane) => paneCodec.encode(pane));
    const bus = logBus({
      panes: { from: options.from, values },
      reports: { from: options.reportsNext, values: [] },
    });
    const restored = await rebuildFromPanes({ bus, topics: TOPICS, ...shardOptions });
    const reports = readInto(new EvaluatorShard(shardOptions, restored), panes);
    return { reports, logs: telemetry.logs, restored };
  }

  it('does not wait for a partition of which the log holds nothing, and says what is lost', async () => {
    const { sealed, step } = writer(0, 70);
    const panes = [sealed(4_000), step(5_000), sealed(5_000), step(6_000)];
    const { reports, logs } = await rebuilt(panes, { from: 90, reportsNext: 40 });
    expect(reports.map(told)).toEqual(['40: 6000 r0 n1']);
    expect(logs.map(({ level }) => level)).toEqual(['warn', 'warn']);
    expect(logs[1]!.fields).toEqual({ lostFrom: null, completeFrom: '1970-01-01T00:00:05.000Z' });
  });

  it('is not misled by what a zombie repeats of the part that is gone', async () => {
    const { sealed, step } = writer(0, 70);
    const [before, gone, kept, after] = [step(1_000), sealed(1_000), sealed(2_000), step(3_000)];
    const panes = [kept, before, gone, kept, after, sealed(3_000), step(4_000)];
    const { reports, restored } = await rebuilt(panes, { from: 90, reportsNext: 0 });
    expect(restored.book?.completeFromMs).toBe(3_000);
    expect(reports.map(told)).toEqual(['0: 4000 r0 n1']);
  });

  it('takes a partition up again where it speaks after all, whatever its sequence', async () => {
    const [first, second] = [writer(0, 70), writer(1, 900)];
    const { options, shard } = setUp({ contributors });
    const values = [first.step(5_000), first.sealed(5_000), first.step(6_000)];
    const bus = logBus({
      panes: { from: 90, values: values.map((pane) => paneCodec.encode(pane)) },
      reports: { from: 0, values: [] },
    });
    const restored = await rebuildFromPanes({ bus, topics: TOPICS, ...options });
    const again = new EvaluatorShard(options, restored);
    expect(shard.hasOutputs).toBe(false);
    expect(readInto(again, values).map(told)).toEqual(['0: 6000 r0 n1']);
    expect(readInto(again, [second.step(6_000), first.step(7_000)])).toEqual([]);
    expect(readInto(again, [second.sealed(6_000), second.step(7_000)]).map(told)).toEqual([
      '1: 7000 r0 n1',
    ]);
  });

  it('writes all reports again from the first one where none is held and the panes are whole', async () => {
    const [first, second] = [writer(0), writer(1)];
    const panes = [first.sealed(0), first.step(1_000), second.step(1_000)];
    const { reports, logs } = await rebuilt(panes, { from: 0, reportsNext: 40 });
    expect(reports.map(told)).toEqual(['0: 1000 r0 n1']);
    expect(logs).toHaveLength(1);
  });
});
