/**
 * Publishers of one run that lose requests and replies, die and come back, two at a time: behind them
 * every record of the source counts once, in order, and then the run ends.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import { isEndOfRun } from '../../services/core/message/control.ts';
import { originOf } from '../../services/core/message/origin.ts';
import { OriginFilter } from '../../services/core/message/origin-filter.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import type { Bus, OutgoingRecord } from '../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import { createReplay } from '../../services/replay/replay.ts';
import { countedSource } from '../../services/replay/source.ts';
import { EVENT_SCHEMA, jsonRecord, memoryPorts, stationMonitor } from '../support/embedded-run.ts';

const RUN = 'r1';
const PARTITION_COUNT = 3;
const monitor = stationMonitor();
const { events } = runTopics(monitor, RUN);
const scope = { monitor, run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null };

/** What becomes of one request: how much of each partition arrives, and what the sender hears. */
const fate = fc.record({
  arrives: fc.array(fc.nat(40), { minLength: PARTITION_COUNT, maxLength: PARTITION_COUNT }),
  outcome: fc.constantFrom('lost', 'dead', 'fine', 'fine'),
});

const faults = fc.record({
  counts: fc.array(fc.nat(120), { minLength: PARTITION_COUNT, maxLength: PARTITION_COUNT }),
  fates: fc.array(fate, { maxLength: 40 }),
  /** How many publishers are at work at once. */
  publisherCount: fc.integer({ min: 1, max: 2 }),
});

function source(counts: readonly number[]) {
  return countedSource({
    partitionCount: PARTITION_COUNT,
    async *records() {
      for (let row = 0; row < Math.max(...counts); row += 1) {
        for (const [partition, count] of counts.entries()) {
          if (row < count) yield jsonRecord({ row }, partition);
        }
      }
    },
  });
}

function firstOf(records: readonly OutgoingRecord[], limits: readonly number[]) {
  const taken = limits.map(() => 0);
  return records.filter(({ partition }) => {
    taken[partition!] = taken[partition!]! + 1;
    return taken[partition!]! <= limits[partition!]!;
  });
}

it('every record counts once, whatever becomes of the requests', async () => {
  await fc.assert(
    fc.asyncProperty(faults, async ({ counts, fates, publisherCount }) => {
      const clock = createVirtualClock();
      const inner = createMemoryBus({ clock });
      await inner.ensureTopics([{ topic: events, partitionCount: PARTITION_COUNT }]);
      const drawn = [...fates];
      const bus: Bus = {
        ...inner,
        async produce(records) {
          const next = drawn.shift();
          if (next === undefined || next.outcome === 'fine') return inner.produce(records);
          await inner.produce(firstOf(records, next.arrives));
          throw next.outcome === 'lost'
            ? new CodedError('dependency.bus', 'no answer')
            : new Error('killed');
        },
      };
      const publish = async (): Promise<void> => {
        const replay = createReplay({ ...memoryPorts(), clock, bus }, scope, {
          source: source(counts),
          pace: { kind: 'rate', recordsPerSecond: 1_000 },
          onProgress: () => undefined,
        });
        await replay.start();
        await replay.finished.catch((error: Error) => {
          if (error.message !== 'killed') throw error;
          return publish();
        });
      };
      let working = publisherCount;
      for (let index = 0; index < publisherCount; index += 1) {
        void publish().finally(() => {
          working -= 1;
        });
      }
      while (working > 0) await clock.advance(1_000);

      for (const [partition, count] of counts.entries()) {
        const { next } = await inner.offsets({ topic: events, partition });
        const filter = new OriginFilter();
        const seen: (number | 'end')[] = [];
        for await (const record of inner.read({ topic: events, partition }, 0, next)) {
          if (!filter.advance(originOf(record))) continue;
          seen.push(isEndOfRun(record.headers, RUN) ? 'end' : originOf(record).offset);
        }
        expect(seen).toEqual([...Array(count).keys(), 'end']);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
