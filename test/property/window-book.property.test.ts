/**
 * The evaluator's book: windows come out complete, once, and the same whatever order the partitions'
 * panes arrived in.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pane } from '../../services/core/message/pane.ts';
import type { Contributor } from '../../services/core/window/contributors.ts';
import {
  type BookedPlan,
  type ReadyWindow,
  WindowBook,
} from '../../services/core/window/window-book.ts';

const tumbling = (lengthMs: number): BookedPlan => ({ lengthMs, slideMs: lengthMs, reviseMs: 0 });
const PLANS: readonly BookedPlan[] = [
  tumbling(1_000),
  tumbling(3_000),
  { lengthMs: 4_000, slideMs: 2_000, reviseMs: 0 },
];

function pane(by: Contributor, sequence: number, fields: Partial<Pane>): Pane {
  return {
    monitor: 'm',
    ...by,
    sequence,
    kind: 'sealed',
    startMs: 0,
    endMs: 0,
    slice: '',
    count: 1,
    sealedThroughMs: 0,
    columns: [],
    ...fields,
  };
}

/** What one partition writes: per second maybe a pane, then the step; at last the end. */
function partitionPanes(by: Contributor, hasData: readonly boolean[]): Pane[] {
  const panes: Pane[] = [];
  for (const [second, present] of hasData.entries()) {
    const startMs = second * 1_000;
    if (present) panes.push(pane(by, panes.length, { startMs, endMs: startMs + 1_000 }));
    panes.push(pane(by, panes.length, { kind: 'progress', sealedThroughMs: startMs + 1_000 }));
  }
  panes.push(pane(by, panes.length, { kind: 'end', sealedThroughMs: 4_102_444_800_000 }));
  return panes;
}

const contributors: readonly Contributor[] = [
  { source: 'events', partition: 0 },
  { source: 'events', partition: 1 },
  { source: 'predictions', partition: 0 },
];

const streams = fc.tuple(
  ...contributors.map(() => fc.array(fc.boolean(), { minLength: 1, maxLength: 9 })),
);

/** Feeds the partitions' panes interleaved as `choices` say. */
function feed(data: readonly (readonly boolean[])[], choices: readonly number[]) {
  const queues = contributors.map((by, i) => partitionPanes(by, data[i]!));
  const book = new WindowBook({ plans: PLANS, contributors }, null, []);
  const windows: ReadyWindow[] = [];
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn += 1) {
    const open = queues.filter((queue) => queue.length > 0);
    const queue = open[(choices[turn % choices.length] ?? 0) % open.length]!;
    expect(book.add(queue.shift()!).kind).toBe('accepted');
    windows.push(...book.takeReady().windows);
  }
  return { windows, ended: book.ended };
}

describe('WindowBook', () => {
  it('gives the same windows with the same panes in the same order for every interleaving', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(10), { minLength: 1 }), (data, choices) => {
        const plain = feed(data, [0]);
        const mixed = feed(data, choices);
        expect(mixed.ended).toBe(true);
        expect(mixed.windows).toEqual(plain.windows);
      }),
    );
  });

  it('hands every pane to as many windows of a plan as overlap, and each window out once', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(10), { minLength: 1 }), (data, choices) => {
        const { windows } = feed(data, choices);
        const paneCount = data.flat().filter(Boolean).length;
        for (const plan of PLANS) {
          const ofPlan = windows.filter((window) => window.plan === plan);
          expect(ofPlan.reduce((sum, window) => sum + window.panes.length, 0)).toBe(
            (paneCount * plan.lengthMs) / plan.slideMs,
          );
          expect(new Set(ofPlan.map((window) => window.startMs)).size).toBe(ofPlan.length);
          for (const { startMs, endMs, panes } of ofPlan) {
            expect(endMs - startMs).toBe(plan.lengthMs);
            for (const pane of panes) {
              expect(pane.startMs).toBeGreaterThanOrEqual(startMs);
              expect(pane.endMs).toBeLessThanOrEqual(endMs);
            }
          }
        }
      }),
    );
  });

  const two: readonly Contributor[] = [
    { source: 'events', partition: 0 },
    { source: 'events', partition: 1 },
  ];

  it('holds a window back until every partition has passed it', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    book.add(pane(two[0]!, 0, { endMs: 1_000 }));
    book.add(pane(two[0]!, 1, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(book.takeReady().windows).toEqual([]);
    book.add(pane(two[1]!, 0, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(book.takeReady().windows.map((window) => window.endMs)).toEqual([1_000]);
  });

  it('does not wait for an idle partition, and counts what it brings afterwards as late', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    book.add(pane(two[1]!, 0, { kind: 'idle' }));
    book.add(pane(two[0]!, 0, { endMs: 1_000 }));
    book.add(pane(two[0]!, 1, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(book.takeReady().windows).toHaveLength(1);
    expect(book.add(pane(two[1]!, 1, { endMs: 1_000, count: 5 }))).toEqual({
      kind: 'late',
      lateCount: 5,
    });
  });

  it('judges with what an idle partition had, and counts as late only what it gained since', () => {
    const options = { plans: [tumbling(1_000)], contributors: two };
    const book = new WindowBook(options, null, []);
    book.add(pane(two[1]!, 0, { kind: 'open', endMs: 1_000, count: 3 }));
    book.add(pane(two[1]!, 1, { kind: 'idle' }));
    book.add(pane(two[0]!, 0, { endMs: 1_000, count: 7 }));
    book.add(pane(two[0]!, 1, { kind: 'progress', sealedThroughMs: 1_000 }));
    const [window] = book.takeReady().windows;
    expect(window?.panes.map(({ count }) => count)).toEqual([7, 3]);
    const again = new WindowBook(options, JSON.parse(JSON.stringify(book.snapshot)), []);
    expect(again.add(pane(two[1]!, 2, { endMs: 1_000, count: 5 }))).toEqual({
      kind: 'late',
      lateCount: 2,
    });
  });

  it('prefers the sealed pane to what it held while it was open', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    book.add(pane(two[1]!, 0, { kind: 'open', endMs: 1_000, count: 3 }));
    book.add(pane(two[1]!, 1, { kind: 'idle' }));
    book.add(pane(two[1]!, 2, { endMs: 1_000, count: 5 }));
    book.add(pane(two[1]!, 3, { kind: 'progress', sealedThroughMs: 1_000 }));
    book.add(pane(two[0]!, 0, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(book.takeReady().windows[0]?.panes.map(({ count }) => count)).toEqual([5]);
  });

  it('drops a repeat and refuses a gap', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    expect(book.add(pane(two[0]!, 0, { endMs: 1_000 })).kind).toBe('accepted');
    expect(book.add(pane(two[0]!, 0, { endMs: 1_000 })).kind).toBe('repeated');
    expect(() => book.add(pane(two[0]!, 2, { endMs: 1_000 }))).toThrow(
      /pane 2 of events:0 came where 1 was due/,
    );
  });

  it('continues from its snapshot', () => {
    const options = { plans: [tumbling(1_000)], contributors: two };
    const book = new WindowBook(options, null, []);
    const stored = pane(two[0]!, 0, { endMs: 1_000 });
    book.add(stored);
    book.add(pane(two[0]!, 1, { kind: 'progress', sealedThroughMs: 1_000 }));
    const again = new WindowBook(options, JSON.parse(JSON.stringify(book.snapshot)), [stored]);
    expect(again.add(stored).kind).toBe('repeated');
    again.add(pane(two[1]!, 0, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(again.takeReady().windows[0]?.panes).toEqual([stored]);
  });

  it('waits for a partition that is added from its first pane on', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    const added: Contributor = { source: 'events', partition: 2 };
    const seal = (by: Contributor, sequence: number, sealedThroughMs: number) =>
      book.add(pane(by, sequence, { kind: 'progress', sealedThroughMs }));
    book.add(pane(two[0]!, 0, { endMs: 1_000 }));
    for (const by of two) seal(by, by.partition === 0 ? 1 : 0, 1_000);
    expect(book.takeReady().windows.map(({ endMs }) => endMs)).toEqual([1_000]);
    book.add(pane(added, 0, { startMs: 1_000, endMs: 2_000, count: 5 }));
    for (const by of two) seal(by, by.partition === 0 ? 2 : 1, 2_000);
    expect(book.takeReady().windows).toEqual([]);
    seal(added, 1, 2_000);
    expect(book.takeReady().windows.map(({ panes }) => panes.map(({ count }) => count))).toEqual([
      [5],
    ]);
  });

  it('does not wait for an added partition that says it is idle, and refuses one with a gap', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    const added: Contributor = { source: 'events', partition: 2 };
    expect(book.add(pane(added, 0, { kind: 'idle' })).kind).toBe('accepted');
    for (const by of two) book.add(pane(by, 0, { endMs: 1_000 }));
    for (const by of two) book.add(pane(by, 1, { kind: 'progress', sealedThroughMs: 1_000 }));
    expect(book.takeReady().windows).toHaveLength(1);
    const late: Contributor = { source: 'events', partition: 3 };
    expect(() => book.add(pane(late, 1, { kind: 'idle' }))).toThrow(/came where 0 was due/);
  });

  it('expects partitions that were added while it was down', () => {
    const plans = [tumbling(1_000)];
    const before = new WindowBook({ plans, contributors: two.slice(0, 1) }, null, []);
    before.add(pane(two[0]!, 0, { kind: 'progress', sealedThroughMs: 1_000 }));
    const book = new WindowBook({ plans, contributors: two }, before.snapshot, []);
    book.add(pane(two[0]!, 1, { startMs: 1_000, endMs: 2_000 }));
    book.add(pane(two[0]!, 2, { kind: 'progress', sealedThroughMs: 2_000 }));
    expect(book.takeReady().windows).toEqual([]);
    book.add(pane(two[1]!, 0, { kind: 'idle' }));
    expect(book.takeReady().windows).toHaveLength(1);
  });

  it('refuses a source that the monitor does not have', () => {
    const book = new WindowBook({ plans: [tumbling(1_000)], contributors: two }, null, []);
    expect(() => book.add(pane({ source: 'predictions', partition: 0 }, 0, {}))).toThrow(
      /a source that this monitor does not have/,
    );
  });
});
