/** Batch prediction: every record one answer, in the order of the source, whatever the scorer does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScoredRow } from '../../../services/cli/score-format.ts';
import { createDecodeRow, type DecodeRow, scoreRows } from '../../../services/cli/score-rows.ts';
import type { ScoreTally } from '../../../services/cli/score-tally.ts';
import type { Column, Monitor, MonitorModel } from '../../../services/core/monitor/monitor.ts';
import type {
  OnAnswer,
  RowAnswer,
  ScoreRow,
} from '../../../services/inference-worker/score-row.ts';
import type { SourceRecord } from '../../../services/replay/source.ts';

const BAD_ID = 'bad';

function answerOf(row: ScoreRow): RowAnswer {
  const value = Number(row.cells[0]);
  if (value % 11 === 3) {
    const message = 'poison';
    return { kind: 'rejected', rejection: { code: 'inference.run', message } };
  }
  const isFallback = value % 7 === 2;
  return {
    kind: 'answered',
    variant: isFallback ? 'fallback' : 'primary',
    version: isFallback ? '1' : '2',
    digest: 'd',
    outputs: [value],
    rawOutputs: [value],
    policies: [],
    suppressed: value % 5 === 0,
    fallbackReason: isFallback ? 'inference.output' : '',
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Answers its rows in an order of its own, a few at a time, and takes so many at most. */
function createShuffledScorer(roomRows: number, seed: number) {
  const queue: { readonly row: ScoreRow; readonly index: number; readonly answer: OnAnswer }[] = [];
  let isRunning = false;
  let drawn = seed;
  let largest = 0;
  async function run(): Promise<void> {
    isRunning = true;
    for (let answered = 0; queue.length > 0; answered += 1) {
      if (answered % 64 === 0) await turn();
      drawn = (drawn * 1_103_515_245 + 12_345) % 2_147_483_648;
      const [{ row, index, answer }] = queue.splice(drawn % queue.length, 1) as [(typeof queue)[0]];
      answer(index, answerOf(row), null);
    }
    isRunning = false;
  }
  return {
    largest: () => largest,
    hasRoom: (rowCount: number) => queue.length === 0 || queue.length + rowCount <= roomRows,
    score(rows: readonly ScoreRow[], answer: OnAnswer) {
      for (const [index, row] of rows.entries()) queue.push({ row, index, answer });
      largest = Math.max(largest, queue.length);
      if (!isRunning) void run();
    },
    async drain() {
      while (isRunning) await turn();
    },
  };
}

const decode: DecodeRow = (value) => {
  const id = Buffer.from(value!).toString();
  if (!id.startsWith(BAD_ID)) return { id, cells: [Number(id)], root: null };
  return { id: null, rejection: { code: 'decode.json-syntax', message: 'bad' } };
};

async function* recordsOf(ids: readonly string[]): AsyncIterable<SourceRecord> {
  for (const [offset, id] of ids.entries()) {
    const value = Buffer.from(id);
    yield { partition: 0, offset, key: null, value, headers: {}, timestampMs: null, timeMs: null };
  }
}

async function score(ids: readonly string[], roomRows: number, seed: number) {
  const written: ScoredRow[] = [];
  const scorer = createShuffledScorer(roomRows, seed);
  const tally: ScoreTally = await scoreRows({
    ...{ records: recordsOf(ids), firstRow: 100, decode, scorer },
    write: async (rows) => void written.push(...rows),
    onProgress: (read, done) => expect(done).toBeLessThanOrEqual(read),
  });
  return { written, tally, largest: scorer.largest() };
}

describe('rows of a file', () => {
  it('come out once each, in their order, with their own answer', async () => {
    const id = fc
      .integer({ min: 0, max: 999 })
      .map((n) => (n % 13 === 1 ? `${BAD_ID}${n}` : `${n}`));
    await fc.assert(
      fc.asyncProperty(
        fc.array(id, { maxLength: 3_000, size: 'max' }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.nat(),
        async (ids, roomRows, seed) => {
          const { written, tally, largest } = await score(ids, roomRows, seed);
          expect(written.map(({ row }) => row)).toEqual(ids.map((_, index) => 100 + index));
          for (const [index, { id: written_, answer }] of written.entries()) {
            const row = decode(Buffer.from(ids[index]!));
            expect(written_).toBe(row.id);
            const expected =
              'rejection' in row ? { kind: 'rejected', rejection: row.rejection } : answerOf(row);
            expect(answer).toEqual(expected);
          }
          expect(largest).toBeLessThanOrEqual(Math.max(roomRows, 512));
          expect(tally.rows).toBe(ids.length);
          expect(tally.scored + tally.fallback + tally.rejected).toBe(ids.length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are counted by what became of them', async () => {
    const ids = ['1', '2', '3', 'bad', '14', '5', '9'];
    const { tally } = await score(ids, 100, 1);
    expect(tally).toEqual({
      ...{ rows: 7, scored: 2, fallback: 2, suppressed: 1, rejected: 3 },
      rejectedByCode: new Map([
        ['inference.run', 2],
        ['decode.json-syntax', 1],
      ]),
      fallbackByCode: new Map([['inference.output', 2]]),
      versions: [
        { version: '2', variant: 'primary', digest: 'd', rows: 2 },
        { version: '1', variant: 'fallback', digest: 'd', rows: 2 },
      ],
    });
  });

  it('are not read without end while the first one waits for its answer', async () => {
    const ids = Array.from({ length: 50_000 }, (_, index) => `${index}`);
    let pulled = 0;
    async function* counted(): AsyncIterable<SourceRecord> {
      for await (const record of recordsOf(ids)) {
        pulled += 1;
        yield record;
      }
    }
    let giveFirst = (): void => undefined;
    let written = 0;
    const scoring = scoreRows({
      ...{ records: counted(), firstRow: 0, decode },
      scorer: {
        hasRoom: () => true,
        score: (rows, answer) => {
          for (const [index, row] of rows.entries()) {
            if (row.id === '0') giveFirst = () => answer(index, answerOf(row), null);
            else queueMicrotask(() => answer(index, answerOf(row), null));
          }
        },
        drain: async () => undefined,
      },
      write: async (rows) => {
        written += rows.length;
      },
      onProgress: () => undefined,
    });
    for (let before = -1; before !== pulled; await turn()) before = pulled;
    expect(pulled).toBeLessThan(40_000);
    expect(written).toBe(0);
    giveFirst();
    expect((await scoring).rows).toBe(50_000);
    expect(written).toBe(50_000);
  });

  it('are written where the scorer gives its last answers in draining', async () => {
    const held: (() => void)[] = [];
    const written: ScoredRow[] = [];
    await scoreRows({
      ...{ records: recordsOf(['1', '2']), firstRow: 0, decode },
      scorer: {
        hasRoom: () => true,
        score: (rows, answer) => {
          for (const [index, row] of rows.entries()) {
            held.push(() => answer(index, answerOf(row), null));
          }
        },
        drain: async () => {
          for (const give of held) give();
        },
      },
      write: async (rows) => void written.push(...rows),
      onProgress: () => undefined,
    });
    expect(written.map(({ id }) => id)).toEqual(['1', '2']);
  });

  it('end with what the writing failed with', async () => {
    const scorer = createShuffledScorer(100, 1);
    const failing = scoreRows({
      ...{ records: recordsOf(['1']), firstRow: 0, decode, scorer },
      write: () => Promise.reject(new Error('disk full')),
      onProgress: () => undefined,
    });
    await expect(failing).rejects.toThrow('disk full');
  });
});

describe('a record', () => {
  const free: Omit<Column, 'name' | 'path' | 'type'> = {
    ...{ role: 'feature', required: false, minimum: null, maximum: null },
    ...{ allowed: null, pattern: null, drift: null },
  };
  const monitor = {
    id: ['id'],
    eventTime: { path: ['at'], unit: 'ms' },
    ...{ futureSkewMs: 1, relations: [] },
    columns: [
      { ...free, name: 'level', path: ['level'], type: 'numeric', maximum: 10 },
      { ...free, name: 'station', path: ['station'], type: 'categorical' },
    ],
  } as unknown as Monitor;
  const eventSchema = {
    type: 'record',
    name: 'Measurement',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'at', type: 'long' },
      { name: 'level', type: ['null', 'double'], default: null },
      { name: 'station', type: 'string' },
    ],
  };
  const model = { policies: [], fallback: null } as unknown as MonitorModel;
  const toRow = createDecodeRow({ eventSchema, writerSchemas: [] }, monitor, model);
  const read = (event: object) => toRow(Buffer.from(JSON.stringify(event)));
  const EVENT = { id: 'e1', at: 1_000, level: 3, station: 'Brest' };

  it('is a row for the scorer', () => {
    expect(read(EVENT)).toMatchObject({ id: 'e1', cells: [3, 'Brest'] });
  });

  it('is refused as the validator refuses it, by its id where it has one', () => {
    expect(read({ ...EVENT, level: 11 })).toMatchObject({
      id: 'e1',
      rejection: { code: 'invariant.range' },
    });
    expect(read({ ...EVENT, at: 'now' })).toMatchObject({
      id: null,
      rejection: { code: 'schema.type' },
    });
    expect(toRow(Buffer.from('nonsense'))).toMatchObject({ id: null });
    expect(toRow(Buffer.from([0, 0, 0, 0, 7, 1]))).toMatchObject({
      rejection: { code: 'decode.unknown-schema' },
    });
    expect(toRow(null)).toMatchObject({ rejection: { code: 'decode.empty' } });
  });
});
