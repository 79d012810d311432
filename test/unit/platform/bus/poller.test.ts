/** How a poll is shared out, and how it waits: on a virtual clock, without a single real timer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BusRecord } from '../../../../services/platform/bus/bus.ts';
import { createPoller, shareOut } from '../../../../services/platform/bus/poller.ts';
import { createVirtualClock } from '../../../../services/platform/clock/virtual-clock.ts';

describe('shareOut', () => {
  const waiting = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 });
  it('gives all there is up to the total, and nobody more than one above another who still has', () => {
    fc.assert(
      fc.property(waiting, fc.nat(200), fc.nat(20), (available, total, first) => {
        const counts = shareOut(available, { total, first });
        const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
        expect(sum(counts)).toBe(Math.min(total, sum(available)));
        counts.forEach((count, index) => {
          expect(count).toBeLessThanOrEqual(available[index]!);
          if (count < available[index]!)
            expect(count).toBeGreaterThanOrEqual(Math.max(...counts) - 1);
        });
      }),
    );
  });

  it('starves nobody when there is one record a poll', () => {
    const served = [0, 0, 0];
    for (let first = 0; first < 9; first += 1) {
      shareOut([100, 100, 100], { total: 1, first }).forEach((count, index) => {
        served[index]! += count;
      });
    }
    expect(served).toEqual([3, 3, 3]);
  });
});

describe('poller', () => {
  function createFixture() {
    const clock = createVirtualClock(0);
    const queue: BusRecord[] = [];
    const source = {
      assignment: { topic: 't', partition: 0, joinEpoch: 1 },
      available: () => queue.length,
      take: (count: number) => queue.splice(0, count),
    };
    const poller = createPoller(clock, () => [source]);
    const record: BusRecord = {
      topic: 't',
      partition: 0,
      offset: 0,
      key: null,
      value: null,
      headers: {},
      timestampMs: 0,
    };
    return { clock, queue, poller, record };
  }

  it('waits exactly as long as it was told when nothing comes', async () => {
    const { clock, poller } = createFixture();
    let answer: unknown = null;
    void poller.poll({ recordsMax: 5, waitMs: 250 }).then((batches) => {
      answer = batches;
    });
    await clock.advance(249);
    expect(answer).toBeNull();
    await clock.advance(1);
    expect(answer).toEqual([]);
    expect(await poller.poll({ recordsMax: 5, waitMs: 0 })).toEqual([]);
  });

  it('answers when something arrives, and goes on waiting after a false alarm', async () => {
    const { clock, queue, poller, record } = createFixture();
    const pending = poller.poll({ recordsMax: 5, waitMs: 250 });
    await clock.advance(100);
    poller.announce();
    await clock.advance(100);
    queue.push(record);
    poller.announce();
    expect((await pending)[0]!.records).toEqual([record]);
    expect(clock.nowMs()).toBe(200);
  });

  it('keeps the first failure', async () => {
    const { poller } = createFixture();
    const pending = poller.poll({ recordsMax: 5, waitMs: 250 });
    poller.fail(new Error('first'));
    poller.fail(new Error('second'));
    await expect(pending).rejects.toThrow('first');
    await expect(poller.poll({ recordsMax: 5, waitMs: 0 })).rejects.toThrow('first');
  });
});
