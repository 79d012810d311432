/**
 * What every bus adapter must do, run on each of them. Topics and groups are new in every test, so
 * adapters that outlive a test do not mix them up.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Bus,
  BusRecord,
  RecordBatch,
  StartPosition,
} from '../../services/platform/bus/bus.ts';
import {
  asText,
  type BusUnderTest,
  collect,
  numbers,
  outgoing,
  PATIENCE_MS,
  type Reader,
  subscribe,
  text,
  until,
  valueNumber,
} from './bus-reader.ts';

export function describeBusContract(name: string, createBus: () => BusUnderTest): void {
  describe(`Bus contract: ${name}`, { timeout: 30_000 }, () => {
    let adapter: BusUnderTest;
    let bus: Bus;

    beforeEach(() => {
      adapter = createBus();
      bus = adapter.connect();
    });
    afterEach(() => adapter.close());

    async function newTopic(partitionCount = 1): Promise<string> {
      const topic = `contract.${randomUUID()}`;
      await bus.ensureTopics([{ topic, partitionCount }]);
      return topic;
    }

    async function produceNumbers(topic: string, from: number, to: number): Promise<void> {
      await bus.produce(numbers(from, to).map((n) => outgoing(topic, { value: text(String(n)) })));
    }

    it('delivers a partition in the order it was produced, without gaps', async () => {
      const topic = await newTopic();
      await Promise.all([produceNumbers(topic, 0, 700), produceNumbers(topic, 700, 1_500)]);
      await produceNumbers(topic, 1_500, 2_500);
      const reader = await subscribe(bus, [topic]);
      const records = await collect(reader, 2_500);
      expect(records.map((record) => record.offset)).toEqual(numbers(0, 2_500));
      expect(records.map(valueNumber)).toEqual(numbers(0, 2_500));
    });

    it('passes keys, values, headers and timestamps through untouched', async () => {
      const topic = await newTopic();
      const bytes = new Uint8Array([0, 255, 128, 10, 13]);
      const beforeMs = Date.now();
      await bus.produce([
        outgoing(topic, {
          key: bytes,
          value: bytes.subarray(1, 4),
          headers: { one: text('1'), many: [text('a'), bytes, text('')], 'tg-x': text('é') },
          timestampMs: 1_234_567_890_123,
        }),
        outgoing(topic, { key: null, value: null, timestampMs: 5 }),
        outgoing(topic, { key: text(''), value: text('') }),
      ]);
      const [full, nothing, empty] = await collect(await subscribe(bus, [topic]), 3);
      expect(bytesOf(full!.key)).toEqual([0, 255, 128, 10, 13]);
      expect(bytesOf(full!.value)).toEqual([255, 128, 10]);
      expect(headersOf(full!)).toEqual({
        one: [[49]],
        many: [[97], [0, 255, 128, 10, 13], []],
        'tg-x': [[195, 169]],
      });
      expect(full!.timestampMs).toBe(1_234_567_890_123);
      expect([nothing!.key, nothing!.value, nothing!.timestampMs]).toEqual([null, null, 5]);
      expect([bytesOf(empty!.key), bytesOf(empty!.value), empty!.headers]).toEqual([[], [], {}]);
      expect(empty!.timestampMs).toBeGreaterThanOrEqual(beforeMs);
    });

    it.each<[string, StartPosition, number]>([
      ['earliest', 'earliest', 0],
      ['an offset', { offset: 7 }, 7],
      ['the end', { offset: 20 }, 20],
      ['latest', 'latest', 20],
      ['committed, where nothing was', 'committed', 0],
      ['an offset beyond the log: the earliest', { offset: 1_000 }, 0],
    ])('starts exactly where onAssigned says: %s', async (_, start, first) => {
      const topic = await newTopic();
      await produceNumbers(topic, 0, 20);
      const reader = await subscribe(bus, [topic], { start });
      if (first === 20) {
        expect(await reader.subscription.poll({ recordsMax: 10, waitMs: 300 })).toEqual([]);
      }
      await produceNumbers(topic, 20, 25);
      const records = await collect(reader, 25 - first);
      expect(records.map((record) => record.offset)).toEqual(numbers(first, 25));
    });

    it('starts at the committed position, which is kept per group', async () => {
      const topic = await newTopic();
      await produceNumbers(topic, 0, 10);
      const group = randomUUID();
      const first = await subscribe(bus, [topic], { group });
      const [record] = await collect(first, 1);
      expect(record!.offset).toBe(0);
      expect(await bus.committed(group, { topic, partition: 0 })).toBeNull();
      expect(await first.subscription.commit(first.assigned[0]!, 6, 'a note')).toBe(true);
      expect(await bus.committed(group, { topic, partition: 0 })).toEqual({
        offset: 6,
        note: 'a note',
      });
      await first.subscription.close();

      const again = await subscribe(adapter.connect(), [topic], { group, start: 'committed' });
      expect((await collect(again, 1))[0]!.offset).toBe(6);
      const other = await subscribe(bus, [topic], { start: 'committed' });
      expect((await collect(other, 1))[0]!.offset).toBe(0);
    });

    it('delivers nothing of an assignment before onAssigned has answered', async () => {
      const topic = await newTopic();
      await produceNumbers(topic, 0, 5);
      let answer: (start: StartPosition) => void = () => undefined;
      const reader = await subscribe(bus, [topic], {
        onAssigned: () => new Promise<StartPosition>((resolve) => (answer = resolve)),
      });
      expect(await reader.subscription.poll({ recordsMax: 10, waitMs: 300 })).toEqual([]);
      answer({ offset: 3 });
      expect((await collect(reader, 2)).map(valueNumber)).toEqual([3, 4]);
    });

    it('rejects poll when onAssigned rejects', async () => {
      const topic = await newTopic();
      const reader = await subscribe(bus, [topic], {
        onAssigned: () => Promise.reject(new Error('the shard is lost')),
      });
      const poll = () => reader.subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
      await expect(poll()).rejects.toThrow('the shard is lost');
      await expect(poll()).rejects.toThrow('the shard is lost');
    });

    it('loses nothing when the reader is slower than the writer', async () => {
      const topic = await newTopic(2);
      const value = new Uint8Array(2_000);
      const records = numbers(0, 3_000).map((n) => outgoing(topic, { partition: n % 2, value }));
      await bus.produce(records);
      // A failure on the way may have repeated a run of them: what the log holds is what counts.
      const ends = await Promise.all(
        [0, 1].map(async (partition) => (await bus.offsets({ topic, partition })).next),
      );
      const reader = await subscribe(bus, [topic]);
      const seen: BusRecord[] = [];
      while (seen.length < ends[0]! + ends[1]!) {
        for (const batch of await reader.subscription.poll({ recordsMax: 97, waitMs: 1_000 })) {
          seen.push(...batch.records);
        }
        if (seen.length % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      for (const partition of [0, 1]) {
        const offsets = seen.filter((r) => r.partition === partition).map((r) => r.offset);
        expect(offsets).toEqual(numbers(0, ends[partition]!));
        expect(offsets.length).toBeGreaterThanOrEqual(1_500);
      }
    });

    it('hands over every partition in turn and no more than asked for', async () => {
      const topic = await newTopic(3);
      await bus.produce(
        numbers(0, 3_000).map((n) => outgoing(topic, { partition: n < 2_800 ? 0 : n % 3 })),
      );
      const reader = await subscribe(bus, [topic]);
      let batches: readonly RecordBatch[] = [];
      await until(async () => {
        batches = await reader.subscription.poll({ recordsMax: 30, waitMs: 1_000 });
        const count = batches.reduce((sum, batch) => sum + batch.records.length, 0);
        expect(count).toBeLessThanOrEqual(30);
        return batches.length === 3;
      });
      expect(batches.map((batch) => batch.records.length)).toEqual([10, 10, 10]);
    });

    it('moves partitions to and from a second member without a gap or a repeat', async () => {
      const topic = await newTopic(4);
      const positions = new Map<number, number>();
      const seen: BusRecord[] = [];
      let count = 0;
      const produceSome = async () => {
        await bus.produce(
          numbers(0, 40).map((n) => outgoing(topic, { partition: n % 4, value: text('x') })),
        );
        count += 40;
      };
      const group = randomUUID();
      const member = (of: Bus) =>
        subscribe(of, [topic], {
          group,
          onAssigned: async ({ partition }) => ({ offset: positions.get(partition) ?? 0 }),
        });
      const drain = async (readers: readonly Reader[]) => {
        await until(async () => {
          for (const { subscription } of readers) {
            for (const batch of await subscription.poll({ recordsMax: 7, waitMs: 50 })) {
              if (!subscription.owns(batch.assignment)) continue;
              seen.push(...batch.records);
              positions.set(batch.assignment.partition, batch.records.at(-1)!.offset + 1);
            }
          }
          return seen.length >= count;
        });
      };

      const first = await member(bus);
      await produceSome();
      await drain([first]);
      const second = await member(adapter.connect());
      await until(async () => {
        await produceSome();
        await drain([first, second]);
        return second.subscription.assignments().length === 2;
      });
      const shares = [first, second].map(({ subscription }) =>
        subscription.assignments().map(({ partition }) => partition),
      );
      expect(shares.map((share) => share.length)).toEqual([2, 2]);
      expect(shares.flat().sort()).toEqual([0, 1, 2, 3]);
      for (const share of shares) expect(share[1]! - share[0]!).toBe(1);

      await produceSome();
      await first.subscription.close();
      await drain([second]);
      expect(second.subscription.assignments().length).toBe(4);
      for (const partition of numbers(0, 4)) {
        const offsets = seen.filter((r) => r.partition === partition).map((r) => r.offset);
        expect(offsets).toEqual(numbers(0, count / 4));
      }
    });

    it('ends every assignment on a rebalance: revoked once, not owned, not committing', async () => {
      const topic = await newTopic(2);
      await produceNumbers(topic, 0, 4);
      const group = randomUUID();
      const first = await subscribe(bus, [topic], { group });
      await until(async () => first.assigned.length === 2);
      await collect(first, 4);
      const before = [...first.assigned];
      expect(before.every((assignment) => first.subscription.owns(assignment))).toBe(true);

      const second = await subscribe(adapter.connect(), [topic], { group });
      await until(async () => {
        await first.subscription.poll({ recordsMax: 1, waitMs: 20 });
        return second.assigned.length === 1 && first.assigned.length === 3;
      });
      expect(first.revoked).toEqual(before);
      for (const assignment of before) {
        expect(first.subscription.owns(assignment)).toBe(false);
        expect(await first.subscription.commit(assignment, 2)).toBe(false);
      }
      expect(first.assigned[2]!.joinEpoch).toBeGreaterThan(before[0]!.joinEpoch);
      await first.subscription.close();
      await second.subscription.close();
      const third = await subscribe(bus, [topic], { group, start: 'committed' });
      expect((await collect(third, 4)).map((record) => record.offset)).toEqual([0, 1, 2, 3]);
    });

    it('resolves a pending poll on close, revokes, and delivers nothing afterwards', async () => {
      const topic = await newTopic();
      const reader = await subscribe(bus, [topic]);
      await until(async () => reader.assigned.length === 1);
      const pending = reader.subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
      await reader.subscription.close();
      await reader.subscription.close();
      expect(await pending).toEqual([]);
      expect(reader.revoked).toEqual(reader.assigned);
      await produceNumbers(topic, 0, 1);
      expect(await reader.subscription.poll({ recordsMax: 1, waitMs: 10 })).toEqual([]);
    });

    it('refuses a second poll at a time', async () => {
      const reader = await subscribe(bus, [await newTopic()]);
      const pending = reader.subscription.poll({ recordsMax: 1, waitMs: 50 });
      await expect(reader.subscription.poll({ recordsMax: 1, waitMs: 0 })).rejects.toThrow(
        'one poll',
      );
      await pending;
    });

    it('knows offsets, offsets by time, and reads a range', async () => {
      const topic = await newTopic(2);
      const at = { topic, partition: 1 };
      expect(await bus.offsets(at)).toEqual({ earliest: 0, next: 0 });
      // Of today: retention takes what is older.
      const startMs = Date.now() - 1_000;
      await bus.produce(
        [100, 300, 200, 400, 400].map((ms) =>
          outgoing(topic, { partition: 1, timestampMs: startMs + ms }),
        ),
      );
      expect(await bus.offsets(at)).toEqual({ earliest: 0, next: 5 });
      const found = await Promise.all(
        [0, 100, 101, 300, 301, 400, 401].map((ms) => bus.offsetAt(at, startMs + ms)),
      );
      expect(found).toEqual([0, 0, 1, 1, 3, 3, 5]);

      const read = async (from: number, to: number): Promise<number[]> => {
        const offsets: number[] = [];
        for await (const record of bus.read(at, from, to)) offsets.push(record.offset);
        return offsets;
      };
      expect(await read(1, 4)).toEqual([1, 2, 3]);
      expect(await read(0, 5)).toEqual([0, 1, 2, 3, 4]);
      expect(await read(3, 3)).toEqual([]);
      for await (const record of bus.read(at, 2, 5)) {
        expect(record.offset).toBe(2);
        break;
      }
    });

    it('creates topics once, however many ask, and leaves existing ones alone', async () => {
      const topic = `contract.${randomUUID()}`;
      expect(await bus.partitionCount(topic)).toBeNull();
      const other = adapter.connect();
      await Promise.all([
        bus.ensureTopics([{ topic, partitionCount: 3 }]),
        other.ensureTopics([{ topic, partitionCount: 3 }]),
      ]);
      const settings = { 'max.message.bytes': '2000000' };
      const second = `contract.${randomUUID()}`;
      await bus.ensureTopics([
        { topic, partitionCount: 2 },
        { topic: second, partitionCount: 2, settings },
      ]);
      expect(await bus.partitionCount(topic)).toBe(3);
      expect(await other.partitionCount(second)).toBe(2);
    });

    it('names the topic when it does not exist', async () => {
      const topic = `contract.${randomUUID()}`;
      const missing = { code: 'dependency.bus', message: expect.stringContaining(topic) };
      await expect(bus.offsets({ topic, partition: 0 })).rejects.toMatchObject(missing);
      await expect(bus.produce([outgoing(topic, {})])).rejects.toMatchObject(missing);
      await expect(subscribe(bus, [topic])).rejects.toMatchObject(missing);
    });

    it('deletes topics with what is in them; one that is not there is no mistake', async () => {
      const [first, second] = [await newTopic(2), await newTopic()];
      const kept = await newTopic();
      await produceNumbers(first, 0, 10);
      await bus.deleteTopics([first, `contract.${randomUUID()}`, second]);
      const counts = () =>
        Promise.all([first, second, kept].map((each) => bus.partitionCount(each)));
      await expect.poll(counts, { timeout: PATIENCE_MS }).toEqual([null, null, 1]);
      await bus.deleteTopics([first, second]);
    });

    it('places records without a partition by murmur2 of the key, in turn without one', async () => {
      const topic = await newTopic(5);
      // Partitions of 5 that Kafka's Java client chooses for these keys.
      const keys = { '21': 0, foobar: 1, abc: 2, 'a-little-bit-longer-string': 4 };
      for (const key of Object.keys(keys)) {
        await bus.produce([outgoing(topic, { partition: null, key: text(key) })]);
      }
      await bus.produce(numbers(0, 10).map(() => outgoing(topic, { partition: null, key: null })));
      const records = await collect(await subscribe(bus, [topic]), 14);
      const placed = records.filter((record) => record.key !== null);
      expect(Object.fromEntries(placed.map((r) => [asText(r.key!), r.partition]))).toEqual(keys);
      const inTurn = records.filter((record) => record.key === null).map((r) => r.partition);
      expect(inTurn.sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    });

    it('refuses to produce after close', async () => {
      const topic = await newTopic();
      await bus.close();
      await bus.close();
      await expect(bus.produce([outgoing(topic, {})])).rejects.toMatchObject({
        code: 'dependency.bus',
      });
    });
  });
}

function bytesOf(bytes: Uint8Array | null): number[] | null {
  return bytes === null ? null : [...bytes];
}

function headersOf(record: BusRecord): Record<string, number[][]> {
  return Object.fromEntries(
    Object.entries(record.headers).map(([name, value]) => [
      name,
      (value instanceof Uint8Array ? [value] : value).map((bytes) => [...bytes]),
    ]),
  );
}
