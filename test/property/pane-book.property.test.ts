/**
 * The aggregator's book against its promise: what is sealed depends on the sequence of records alone,
 * not on restarts, flushes or reads in between; and every event is in exactly one pane.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paneCodec } from '../../services/core/message/pane.ts';
import { decodeColumnSketch } from '../../services/core/sketch/column-sketch.ts';
import { decodeSetSketch } from '../../services/core/sketch/set-sketch-codec.ts';
import {
  type Measurement,
  PaneBook,
  type PaneBookOptions,
} from '../../services/drift-aggregator/aggregate.ts';
import { openPaneKey } from '../../services/drift-aggregator/open-pane.ts';
import { EMPTY_HEAD } from '../../services/drift-aggregator/pane-book-state.ts';
import { encodeHead, encodeOpenPane, restoreShard } from '../../services/drift-aggregator/state.ts';

const SPECIFICATION = {
  columns: [
    { name: 'level', centre: 0, scale: 3 },
    { name: 'flow', centre: 1, scale: 2 },
  ],
  ...{ bandwidth: 1, frequencyCount: 8, projectionCount: 2, seed: 1 },
};

const options: PaneBookOptions = {
  monitor: 'm',
  source: 'events',
  partition: 0,
  paneLengthMs: 1_000,
  allowedLatenessMs: 500,
  columns: [
    { name: 'level', type: 'numeric' },
    { name: 'station', type: 'categorical' },
    { name: 'flow', type: 'numeric' },
  ],
  sets: [{ name: 'inputs', specification: SPECIFICATION, cellIndices: [0, 2] }],
};

const PLACE = { offset: 0, origin: { topic: 'source', partition: 0, offset: 0 } };

const measurement: fc.Arbitrary<Measurement> = fc.record({
  place: fc.constant(PLACE),
  eventTimeMs: fc.integer({ min: 0, max: 20_000 }),
  cells: fc.tuple(
    fc.option(fc.oneof(fc.double(), fc.integer({ min: -5, max: 5 })), { nil: null }),
    fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null }),
    fc.option(fc.double(), { nil: null }),
  ),
  slices: fc.constantFrom([], ['station=a'], ['station=b']),
});

const stream = fc.array(measurement, { maxLength: 200 });

/** Seals everything; `restartAfter` are the counts of events after which the process is replaced. */
function seal(events: readonly Measurement[], restartAfter: ReadonlySet<number>): string[] {
  const entries = new Map<string, Uint8Array>();
  const sealed: string[] = [];
  let book = new PaneBook(options, EMPTY_HEAD, []);
  const flush = () => {
    const changes = book.takeChanges();
    entries.set(...encodeHead({ book: book.head, origins: {}, recount: null }));
    for (const key of changes.closed) entries.delete(key);
    for (const pane of changes.dirty) entries.set(...encodeOpenPane(pane, options));
    sealed.push(
      ...changes.leaving.map(({ pane }) => Buffer.from(paneCodec.encode(pane)).toString('hex')),
    );
  };
  for (const [index, event] of events.entries()) {
    book.add(event);
    if (restartAfter.has(index)) {
      flush();
      const restored = restoreShard(entries, options);
      book = new PaneBook(options, restored.book, restored.panes);
    }
  }
  book.end(PLACE);
  flush();
  return sealed;
}

describe('PaneBook', () => {
  it('seals the same bytes wherever it was restarted', () => {
    fc.assert(
      fc.property(stream, fc.uniqueArray(fc.nat(200)), (events, restarts) => {
        expect(seal(events, new Set(restarts))).toEqual(seal(events, new Set()));
      }),
      { numRuns: 60 },
    );
  });

  it('counts every event in exactly one pane, and numbers panes without gaps', () => {
    fc.assert(
      fc.property(stream, (events) => {
        const panes = seal(events, new Set()).map((hex) =>
          paneCodec.decode(Buffer.from(hex, 'hex')),
        );
        const whole = panes.filter((pane) => pane.slice === '');
        expect(whole.reduce((sum, pane) => sum + pane.count, 0)).toBe(events.length);
        expect(panes.map((pane) => pane.sequence)).toEqual(panes.map((_, index) => index));
        for (const pane of panes.filter(({ kind }) => kind === 'sealed' || kind === 'late')) {
          for (const column of pane.columns.slice(0, options.columns.length)) {
            const sketch = decodeColumnSketch(column.sketch);
            const notFinite =
              sketch.kind === 'numeric'
                ? sketch.nanCount + sketch.positiveInfinityCount + sketch.negativeInfinityCount
                : 0;
            expect(sketch.count + sketch.missingCount + notFinite).toBe(pane.count);
          }
          const sets = pane.columns.slice(options.columns.length);
          expect(sets.map(({ name }) => name)).toEqual(pane.slice === '' ? ['inputs'] : []);
          for (const { sketch } of sets) {
            const set = decodeSetSketch(sketch, SPECIFICATION);
            expect(set.count + set.leftOutCount).toBe(pane.count);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never seals a pane an event could still be on time for', () => {
    fc.assert(
      fc.property(stream, (events) => {
        let eventTimeMsMax = -1;
        const book = new PaneBook(options, EMPTY_HEAD, []);
        for (const event of events) {
          const isLate =
            eventTimeMsMax >= 0 &&
            Math.floor(event.eventTimeMs / 1_000) <
              Math.floor(Math.max(0, eventTimeMsMax - 500) / 1_000);
          expect(book.add(event)).toBe(isLate ? 'late' : 'on-time');
          eventTimeMsMax = Math.max(eventTimeMsMax, event.eventTimeMs);
        }
      }),
    );
  });

  it('keeps the number of slices of a pane bounded', () => {
    const book = new PaneBook(options, EMPTY_HEAD, []);
    for (let i = 0; i < 5_000; i += 1) {
      book.add({ place: PLACE, eventTimeMs: 1, cells: [i, 'a'], slices: [`user=${i}`] });
    }
    const keys = book.takeChanges().dirty.map(openPaneKey);
    expect(keys).toHaveLength(102);
    expect(keys.some((key) => key.endsWith('user=(other)'))).toBe(true);
  });
});
