/** What the pane book's property tests leave open: long panes, silence, and the edges of time. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TIME_MS_MAX } from '../../../services/core/limits.ts';
import { type Pane, paneCodec } from '../../../services/core/message/pane.ts';
import { decodeColumnSketch } from '../../../services/core/sketch/column-sketch.ts';
import { WindowBook } from '../../../services/core/window/window-book.ts';
import { tumblingPlan } from '../../../services/core/window/window-plan.ts';
import {
  type Measurement,
  PaneBook,
  type PaneBookOptions,
} from '../../../services/drift-aggregator/aggregate.ts';
import type { Place } from '../../../services/drift-aggregator/open-pane.ts';
import { EMPTY_HEAD } from '../../../services/drift-aggregator/pane-book-state.ts';
import {
  encodeHead,
  encodeOpenPane,
  restoreShard,
} from '../../../services/drift-aggregator/state.ts';
import { createDraw } from '../../support/draw.ts';

const OPTIONS: PaneBookOptions = {
  monitor: 'm',
  source: 'events',
  partition: 0,
  paneLengthMs: 1_000,
  allowedLatenessMs: 0,
  columns: [
    { name: 'level', type: 'numeric' },
    { name: 'station', type: 'categorical' },
  ],
  sets: [],
};
const PLACE: Place = { offset: 0, origin: { topic: 'source', partition: 0, offset: 0 } };
const START_MS = Date.parse('2026-05-01T10:00:00Z');

function bookOf(options: Partial<PaneBookOptions> = {}): PaneBook {
  return new PaneBook({ ...OPTIONS, ...options }, EMPTY_HEAD, []);
}

function at(timeMs: number, level: number | null = 1, slices: string[] = []): Measurement {
  return { place: PLACE, eventTimeMs: START_MS + timeMs, cells: [level, 'Brest'], slices };
}

function sealedBy(book: PaneBook): readonly Pane[] {
  return book.takeChanges().leaving.map(({ pane }) => pane);
}

/** Stores a book and goes on with another one from what was stored. */
function restart(
  book: PaneBook,
  entries: Map<string, Uint8Array>,
): { readonly book: PaneBook; readonly sealed: readonly Pane[] } {
  const { dirty, closed, leaving } = book.takeChanges();
  for (const key of closed) entries.delete(key);
  for (const pane of dirty) entries.set(...encodeOpenPane(pane, OPTIONS));
  entries.set(...encodeHead({ book: book.head, origins: {}, recount: null }));
  const restored = restoreShard(entries, OPTIONS);
  return {
    book: new PaneBook(OPTIONS, restored.book, restored.panes),
    sealed: leaving.map(({ pane }) => pane),
  };
}

describe('a pane of many events', () => {
  it('is sealed with the same bytes wherever its state was stored and read back', () => {
    const seal = (seed: number, restarts: ReadonlySet<number>): string[] => {
      const draw = createDraw(seed);
      const sealed: Pane[] = [];
      const entries = new Map<string, Uint8Array>();
      let book = bookOf();
      // Beyond the sketch's buffer, where merging it early would show.
      for (let index = 0; index < 5_000; index += 1) {
        book.add(at(index % 1_000, draw(-1_000_000, 1_000_000) / 7));
        if (!restarts.has(index)) continue;
        const restarted = restart(book, entries);
        sealed.push(...restarted.sealed);
        book = restarted.book;
      }
      book.end(PLACE);
      sealed.push(...sealedBy(book));
      return sealed.map((pane) =>
        createHash('sha256').update(paneCodec.encode(pane)).digest('hex'),
      );
    };
    const cuts = fc.uniqueArray(fc.nat(4_999), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.nat(), cuts, (seed, restarts) => {
        expect(seal(seed, new Set(restarts))).toEqual(seal(seed, new Set()));
      }),
      { numRuns: 20 },
    );
  });
});

describe('sealing', () => {
  it('waits for the allowed lateness, to the millisecond', () => {
    const book = bookOf({ allowedLatenessMs: 500 });
    book.add(at(0));
    sealedBy(book);
    book.add(at(1_499));
    expect(sealedBy(book).filter(({ kind }) => kind === 'sealed')).toEqual([]);
    book.add(at(1_500));
    expect(sealedBy(book)).toMatchObject([
      { kind: 'sealed', startMs: START_MS, endMs: START_MS + 1_000, count: 1 },
      { kind: 'progress', sealedThroughMs: START_MS + 1_000 },
    ]);
  });

  it('gives panes in time order, the whole before its slices, then what was late', () => {
    const book = bookOf({ allowedLatenessMs: 2_000 });
    book.add(at(1_000, 1, ['s=b']));
    book.add(at(0, 1, ['s=a']));
    sealedBy(book);
    book.add(at(3_000));
    book.add(at(500));
    expect(sealedBy(book).map(({ kind, slice, count }) => [kind, slice, count])).toEqual([
      ['sealed', '', 1],
      ['sealed', 's=a', 1],
      ['progress', '', 0],
    ]);
    book.end(PLACE);
    expect(sealedBy(book).map(({ kind, slice, count }) => [kind, slice, count])).toEqual([
      ['sealed', '', 1],
      ['sealed', 's=b', 1],
      ['sealed', '', 1],
      ['late', '', 1],
      ['end', '', 0],
    ]);
  });

  it('keeps what it says of a pane apart from what comes late for it', () => {
    const book = bookOf();
    book.add(at(0, 1));
    book.add(at(5_000, 2));
    expect(book.add(at(10, 3))).toBe('late');
    book.end(PLACE);
    const levels = sealedBy(book)
      .filter(({ columns }) => columns.length > 0)
      .map(({ kind, columns }) => {
        const sketch = decodeColumnSketch(columns[0]!.sketch);
        return [kind, sketch.kind === 'numeric' ? sketch.mean : null];
      });
    expect(levels).toEqual([
      ['sealed', 1],
      ['sealed', 2],
      ['late', 3],
    ]);
  });

  it('at the end of a run leaves no event behind, however late in time it is', () => {
    const week = 7 * 24 * 3_600_000;
    const lengths = [7_000, 3 * 7_000, week - (week % 7_000)];
    const times = [0, 1, START_MS, EVENT_TIME_MS_MAX - 1];
    const book = bookOf({ paneLengthMs: 7_000, allowedLatenessMs: 9e12 });
    for (const eventTimeMs of times) {
      book.add({ place: PLACE, eventTimeMs, cells: [1, 'a'], slices: [] });
    }
    book.end(PLACE);
    const panes = sealedBy(book);
    expect(panes.reduce((sum, { count }) => sum + count, 0)).toBe(times.length);
    const plans = lengths.map((length) => ({ ...tumblingPlan(length), reviseMs: 0 }));
    const contributors = [{ source: 'events', partition: 0 }] as const;
    const windows = new WindowBook({ plans, contributors }, null, []);
    for (const pane of panes) windows.add(pane);
    const counts = windows
      .takeReady()
      .windows.flatMap((window) =>
        window.panes.map((pane) => [window.endMs - window.startMs, pane.count] as const),
      );
    for (const length of lengths) {
      const held = counts.filter(([windowLength]) => windowLength === length);
      expect(held.reduce((sum, [, count]) => sum + count, 0)).toBe(times.length);
    }
  });
});

describe('silence', () => {
  it('is said once, with what the open panes hold, and ends with the next event', () => {
    const book = bookOf();
    book.add(at(0));
    sealedBy(book);
    book.markIdle();
    book.markIdle();
    expect(sealedBy(book).map(({ kind, count }) => [kind, count])).toEqual([
      ['open', 1],
      ['idle', 0],
    ]);
    book.add(at(1));
    expect(sealedBy(book).map(({ kind }) => kind)).toEqual(['progress']);
    book.markIdle();
    expect(sealedBy(book).map(({ kind, count }) => [kind, count])).toEqual([
      ['open', 2],
      ['idle', 0],
    ]);
  });

  it('does not change what is sealed afterwards', () => {
    const sealedWith = (silent: boolean) => {
      const book = bookOf();
      for (let i = 0; i < 4_000; i += 1) {
        book.add(at(i % 1_000, Math.sin(i)));
        if (silent && i % 700 === 0) book.markIdle();
      }
      book.end(PLACE);
      return sealedBy(book)
        .filter(({ kind }) => kind === 'sealed')
        .map(({ columns }) => columns.map(({ sketch }) => Buffer.from(sketch).toString('base64')));
    };
    expect(sealedWith(true)).toEqual(sealedWith(false));
  });
});

describe('stored state', () => {
  it('of other columns or another pane length is refused by name', () => {
    const book = bookOf();
    book.add(at(0));
    const entries = new Map<string, Uint8Array>();
    restart(book, entries);
    for (const changed of [
      { ...OPTIONS, columns: OPTIONS.columns.slice(1) },
      { ...OPTIONS, paneLengthMs: 2_000 },
    ]) {
      expect(() => restoreShard(entries, changed)).toThrow(
        expect.objectContaining({ code: 'state.corrupt' }),
      );
    }
  });
});
