/** Sets in panes: of the whole alone, restored to the bit, and refused under another reference. */
import { describe, expect, it } from 'vitest';
import {
  decodeSetSketch,
  encodeSetSketch,
} from '../../../services/core/sketch/set-sketch-codec.ts';
import { PaneBook, type PaneBookOptions } from '../../../services/drift-aggregator/aggregate.ts';
import { EMPTY_HEAD } from '../../../services/drift-aggregator/pane-book-state.ts';
import {
  encodeHead,
  encodeOpenPane,
  restoreShard,
} from '../../../services/drift-aggregator/state.ts';
import { correlated, sampleRows, setOf, setReference } from '../core/sketch/set-samples.ts';

const ROWS = sampleRows(correlated(2, 0.5), 3, 6_000);
const { specification } = setReference(ROWS, 1, ['flow', 'level']);
const PLACE = { offset: 0, origin: { topic: 'source', partition: 0, offset: 0 } };
const OPTIONS: PaneBookOptions = {
  ...{ monitor: 'm', source: 'events', partition: 0, paneLengthMs: 1_000, allowedLatenessMs: 0 },
  columns: [
    { name: 'level', type: 'numeric' },
    { name: 'station', type: 'categorical' },
    { name: 'flow', type: 'numeric' },
  ],
  sets: [{ name: 'inputs', specification, cellIndices: [2, 0] }],
};

function entriesOf(book: PaneBook): Map<string, Uint8Array> {
  const entries = new Map([encodeHead({ book: book.head, origins: {}, recount: null })]);
  for (const pane of book.takeChanges().dirty) entries.set(...encodeOpenPane(pane, OPTIONS));
  return entries;
}

/** Rows as events of one pane, in slices; the process is replaced after as many as asked. */
function fill(restartAfter: ReadonlySet<number>): PaneBook {
  let book = new PaneBook(OPTIONS, EMPTY_HEAD, []);
  for (const [index, [flow, level]] of ROWS.entries()) {
    const isMissing = index % 1_000 === 7;
    const cells = [level!, 'Brest', isMissing ? null : flow!];
    book.add({
      place: PLACE,
      eventTimeMs: 5_000 + (index % 1_000),
      cells,
      slices: ['station=Brest'],
    });
    if (!restartAfter.has(index)) continue;
    const restored = restoreShard(entriesOf(book), OPTIONS);
    book = new PaneBook(OPTIONS, restored.book, restored.panes);
  }
  return book;
}

function sealed(book: PaneBook) {
  book.end(PLACE);
  const panes = book.takeChanges().leaving.map(({ pane }) => pane);
  return panes.filter(({ kind }) => kind === 'sealed');
}

describe('a set', () => {
  it('is in the pane of the whole after the columns, and in no slice', () => {
    const names = sealed(fill(new Set())).map(({ slice, columns }) => [
      slice,
      columns.map(({ name }) => name),
    ]);
    expect(names).toEqual([
      ['', ['level', 'station', 'flow', 'inputs']],
      ['station=Brest', ['level', 'station', 'flow']],
    ]);
  });

  it('takes its columns in its own order, and leaves out what lacks one', () => {
    const [whole] = sealed(fill(new Set()));
    const set = decodeSetSketch(whole!.columns[3]!.sketch, specification);
    const complete = ROWS.filter((_, index) => index % 1_000 !== 7);
    const expected = setOf(specification, complete);
    expected.addLeftOut(6);
    expected.compact();
    expect(Buffer.from(encodeSetSketch(set))).toEqual(Buffer.from(encodeSetSketch(expected)));
  });

  it('goes on to the bit where its state was stored and read back', () => {
    const hex = (book: PaneBook) =>
      sealed(book).map(({ columns }) =>
        columns.map(({ sketch }) => Buffer.from(sketch).toString('hex')),
      );
    expect(hex(fill(new Set([3, 1_234, 5_998])))).toEqual(hex(fill(new Set())));
  });

  it('in an open pane is refused where the monitor no longer has it, or has another one', () => {
    const entries = entriesOf(fill(new Set()));
    const changed = { ...specification, seed: 2 };
    const restoreWith = (sets: PaneBookOptions['sets']) => () =>
      restoreShard(entries, { ...OPTIONS, sets });
    expect(restoreWith([])).toThrow(/open pane sealed:\S+: holds columns \[level, .*inputs\]/);
    expect(restoreWith([{ ...OPTIONS.sets[0]!, specification: changed }])).toThrow(
      /open pane sealed:\S+: holds set inputs as an earlier reference specified it/,
    );
  });
});
