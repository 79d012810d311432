/**
 * An aggregator's partition whose state is lost goes on from the panes it wrote: whenever that happens,
 * whatever had been sent by then and however often, a consumer that drops repeats gets the panes of the
 * run without loss.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { HEADER } from '../../services/core/message/header.ts';
import { encodeOrigin } from '../../services/core/message/origin.ts';
import { type Pane, paneCodec } from '../../services/core/message/pane.ts';
import type { BusRecord, OutgoingRecord } from '../../services/core/message/record.ts';
import { createAggregatorEvents } from '../../services/drift-aggregator/events.ts';
import { rebuildFromPanes } from '../../services/drift-aggregator/rebuild.ts';
import {
  AggregatorShard,
  type AggregatorShardOptions,
} from '../../services/drift-aggregator/shard.ts';
import { EMPTY_SHARD } from '../../services/drift-aggregator/state.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';

const RUN = 'r1';
const IDLE_TIMEOUT_MS = 10;

const options: AggregatorShardOptions = {
  ...{ run: RUN, panesTopic: 'panes', idleTimeoutMs: IDLE_TIMEOUT_MS, monitor: 'm' },
  ...{ source: 'events', partition: 0, paneLengthMs: 1_000, allowedLatenessMs: 1_500, sets: [] },
  columns: [{ name: 'level', type: 'numeric' }],
  events: createAggregatorEvents(createMemoryTelemetry(), 'events'),
  measure: ({ value }) => {
    const [eventTimeMs, level, slice] = JSON.parse(Buffer.from(value!).toString());
    return { eventTimeMs, cells: [level], slices: slice === null ? [] : [`s=${slice}`] };
  },
};

interface Step {
  /** Moves on in event time, or back where it is negative. */
  readonly stepMs: number;
  readonly level: number;
  readonly slice: string | null;
  /** Records of the last ones that come once more before this. */
  readonly repeated: number;
  /** The partition is silent after it. */
  readonly silent: boolean;
  readonly flush: boolean;
}

const steps = fc.array(
  fc.record<Step>({
    stepMs: fc.integer({ min: -3_000, max: 2_000 }),
    level: fc.double({ noNaN: true, min: -9, max: 9 }),
    slice: fc.constantFrom(null, 'a', 'b'),
    repeated: fc.constantFrom(0, 0, 0, 2, 5),
    silent: fc.constantFrom(false, false, false, true),
    flush: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

/** The partition's log: repeats included, the end of the run last. */
function logOf(script: readonly Step[]): {
  readonly log: BusRecord[];
  readonly stepAt: (Step | null)[];
} {
  const log: BusRecord[] = [];
  const stepAt: (Step | null)[] = [];
  const append = (record: Omit<BusRecord, 'topic' | 'partition' | 'offset'>, step: Step | null) => {
    log.push({ ...record, topic: 'valid', partition: 0, offset: log.length });
    stepAt.push(step);
  };
  const origin = (offset: number) => encodeOrigin({ topic: 'source', partition: 0, offset });
  let timeMs = 10_000;
  const sent: Omit<BusRecord, 'topic' | 'partition' | 'offset'>[] = [];
  for (const step of script) {
    for (const record of sent.slice(-step.repeated, step.repeated === 0 ? 0 : undefined)) {
      append(record, null);
    }
    timeMs = Math.max(0, timeMs + step.stepMs);
    const record = {
      key: null,
      value: Buffer.from(JSON.stringify([timeMs, step.level, step.slice])),
      headers: { [HEADER.origin]: origin(sent.length) },
      timestampMs: 0,
    };
    sent.push(record);
    append(record, step);
  }
  const headers = { ...endOfRunHeaders(RUN), [HEADER.origin]: origin(sent.length) };
  append({ key: null, value: null, headers, timestampMs: 0 }, null);
  return { log, stepAt };
}

/** Takes records from a place on; a silence is one that the whole world sees only once. */
function take(
  shard: AggregatorShard,
  { log, stepAt }: ReturnType<typeof logOf>,
  range: { readonly from: number; readonly to: number; readonly silences: Set<number> },
  onFlush: (outputs: readonly OutgoingRecord[]) => void,
): void {
  for (let offset = range.from; offset < range.to; offset += 1) {
    shard.accept(log[offset]!);
    const step = stepAt[offset] ?? null;
    if (step?.silent && !range.silences.has(offset)) {
      range.silences.add(offset);
      shard.onSilence(IDLE_TIMEOUT_MS);
    }
    if (step?.flush) onFlush(shard.takeChanges().outputs);
  }
}

/** What a consumer keeps; fails where two panes share a sequence and differ, or one is missing. */
function withoutRepeats(panes: readonly Pane[]): string[] {
  const kept: string[] = [];
  for (const pane of panes) {
    const text = Buffer.from(paneCodec.encode(pane)).toString('hex');
    if (pane.sequence < kept.length) continue;
    expect(pane.sequence).toBe(kept.length);
    kept.push(text);
  }
  return kept;
}

describe('a partition whose state is lost', () => {
  it('writes the panes of one whose state is not', async () => {
    const losses = fc.array(fc.record({ at: fc.nat(80), sent: fc.nat(12) }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(steps, losses, async (script, places) => {
        const world = logOf(script);
        const whole = new AggregatorShard(options, EMPTY_SHARD);
        const outputs: OutgoingRecord[] = [];
        const calm = { from: 0, to: world.log.length, silences: new Set<number>() };
        take(whole, world, calm, (said) => outputs.push(...said));
        outputs.push(...whole.takeChanges().outputs);

        const bus = createMemoryBus({ clock: createVirtualClock() });
        await bus.ensureTopics([{ topic: 'panes', partitionCount: 1 }]);
        const silences = new Set<number>();
        let shard = new AggregatorShard(options, EMPTY_SHARD);
        let from = 0;
        for (const loss of places.toSorted((a, b) => a.at - b.at)) {
          const to = Math.max(from, Math.min(loss.at, world.log.length));
          const said: OutgoingRecord[] = [];
          take(shard, world, { from, to, silences }, (part) => said.push(...part));
          said.push(...shard.takeChanges().outputs);
          // Only some of the last commit's outputs had been sent when the state went.
          const unsent = Math.min(loss.sent, lengthOfLastSealing(said));
          await bus.produce(said.slice(0, said.length - unsent));
          const rebuilt = await rebuildFromPanes(bus, 'panes', options);
          shard = new AggregatorShard(options, rebuilt.restored);
          from = rebuilt.start === 'earliest' ? 0 : rebuilt.start.offset;
        }
        const rest: OutgoingRecord[] = [];
        take(shard, world, { from, to: world.log.length, silences }, (part) => rest.push(...part));
        await bus.produce([...rest, ...shard.takeChanges().outputs]);

        const written: Pane[] = [];
        const at = { topic: 'panes', partition: 0 };
        for await (const { value } of bus.read(at, 0, (await bus.offsets(at)).next)) {
          written.push(paneCodec.decode(value!));
        }
        const expected = outputs.map(({ value }) => paneCodec.decode(value!));
        expect(dataOf(withoutRepeats(written))).toEqual(dataOf(withoutRepeats(expected)));
      }),
      { numRuns: 300 },
    );
  });
});

/** From the last closing record on: what one sealing or one silence had said. */
function lengthOfLastSealing(said: readonly OutgoingRecord[]): number {
  const kinds = said.map(({ value }) => paneCodec.decode(value!).kind);
  const before = kinds.slice(0, -1).findLastIndex((kind) => kind === 'progress' || kind === 'idle');
  return kinds.length - 1 - before;
}

/** Sealed and late panes without their sequence: a silence need not be said where it was before. */
function dataOf(panes: readonly string[]): string[] {
  return panes
    .map((hex) => paneCodec.decode(Buffer.from(hex, 'hex')))
    .filter(({ kind }) => kind === 'sealed' || kind === 'late')
    .map((pane) => Buffer.from(paneCodec.encode({ ...pane, sequence: 0 })).toString('hex'));
}
