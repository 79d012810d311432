/** The profile as a whole, on tables and events made here: what a column becomes, and what is refused. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { formatReference } from '../../../services/core/monitor/reference.ts';
import {
  type ProfileOptions,
  type ProfileResult,
  profileDataset,
} from '../../../services/profile/profile.ts';
import { eventsOf, tableOf } from '../../support/dataset-files.ts';

type Cells = Record<string, (index: number) => string | number | boolean | null>;

function table(cells: Cells, rowCount = 1_000) {
  const columns = Object.keys(cells);
  return tableOf(columns, rowCount, (index) => columns.map((name) => cells[name]!(index)));
}

function profile(cells: Cells, options: Partial<ProfileOptions> = {}): Promise<ProfileResult> {
  return profileDataset({ dataset: table(cells), sliceColumns: [], ...options });
}

const columnOf = (result: ProfileResult, name: string) =>
  result.columns.find((column) => column.name === name)!;

const fieldOf = (result: ProfileResult, name: string) =>
  (result.event.schema as { fields: { name: string; type: unknown }[] }).fields.find(
    (field) => field.name === name,
  )!;

/** Digits that are neither sorted nor all alike. */
const shuffled = (index: number) => (index * 7_919) % 1_000;
const number = (index: number) => String(shuffled(index) / 4);

describe('what a column is', () => {
  it('a number, a boolean, a category', async () => {
    const result = await profile({
      price: number,
      flag: (i) => (i % 3 === 0 ? 'True' : 'False'),
      kind: (i) => 'abc'[i % 3]!,
    });
    expect(columnOf(result, 'price')).toMatchObject({
      type: 'numeric',
      role: 'feature',
      valueType: 'double',
    });
    expect(columnOf(result, 'flag')).toMatchObject({ type: 'categorical', valueType: 'boolean' });
    expect(columnOf(result, 'kind')).toMatchObject({
      type: 'categorical',
      valueType: 'string',
      categories: ['a', 'b', 'c'],
    });
    expect(result.notes).toEqual([]);
    expect(fieldOf(result, 'flag')).toMatchObject({ type: ['null', 'boolean'], default: null });
    const flag = result.reference.columns.get('flag')!;
    expect(flag.kind === 'categorical' && Object.fromEntries(flag.counts)).toEqual({
      true: 334,
      false: 666,
    });
  });

  it('whole numbers stay numbers, however few; codes with leading zeros are text', async () => {
    const result = await profile({
      dice: (i) => `${(i % 6) + 1}`,
      zip: (i) => `0${1_000 + (i % 9)}`,
      x: number,
    });
    expect(columnOf(result, 'dice').type).toBe('numeric');
    expect(columnOf(result, 'zip')).toMatchObject({ type: 'categorical', role: 'feature' });
  });

  it('free text, times, row numbers and empty columns are context and say why', async () => {
    const result = await profile({
      name: (i) => `Mr. ${i}`,
      often: (i) => `Mr. ${i % 400}`,
      date: (i) => `2020-01-${10 + (i % 20)}`,
      index: (i) => `${i + 1}`,
      empty: () => '',
      nothing: () => 'NA',
      x: number,
    });
    const context = result.columns.filter(({ role }) => role === 'context').map(({ name }) => name);
    expect(context).toEqual(['name', 'date', 'index', 'empty']);
    expect(columnOf(result, 'often').role).toBe('feature');
    expect(result.notes).toEqual([
      'name: hardly repeats: 1000 different values in 1000',
      'date: looks like a time',
      'index: grows by row, looks like a row number',
      'empty: holds no value at all',
    ]);
    expect([...result.reference.columns.keys()]).toEqual(['often', 'nothing', 'x']);
  });

  it('a column that never falls is judged, without a range that would end it', async () => {
    const { columns, notes } = await profile({
      day: (i) => String(Math.floor(i / 10) / 365),
      x: number,
    });
    expect(columns.map(({ role }) => role)).toEqual(['feature', 'feature']);
    expect(columns.map(({ range }) => range)).toEqual([null, { minimum: 0, maximum: 500 }]);
    expect(notes).toEqual([expect.stringMatching(/^day: never falls/)]);
  });

  it('text beyond what is counted is context in a long table', async () => {
    const cells = { city: (i: number) => `city ${i % 2_000}`, x: number };
    const result = await profileDataset({ dataset: table(cells, 20_000), sliceColumns: [] });
    expect(result.notes).toEqual(['city: more than 1024 different values']);
  });

  it('missing words are missing among numbers and categories among text', async () => {
    const result = await profile({
      age: (i) => (i % 10 === 0 ? 'NA' : i % 10 === 1 ? '' : number(i)),
      answer: (i) => (i % 10 === 0 ? 'None' : i % 10 === 1 ? '' : 'yes'),
    });
    expect(columnOf(result, 'age')).toMatchObject({ type: 'numeric', missingCount: 200 });
    expect(result.reference.columns.get('age')).toMatchObject({ count: 800, missingCount: 200 });
    expect(columnOf(result, 'answer')).toMatchObject({
      missingCount: 100,
      categories: ['None', 'yes'],
    });
    expect(result.reference.columns.get('answer')).toMatchObject({ count: 900, missingCount: 100 });
  });

  it('a few cells that are no numbers do not make a column text, many do', async () => {
    const result = await profile({
      few: (i) => (i % 125 === 0 ? 'error' : number(i)),
      many: (i) => (i % 20 === 0 ? 'error' : `${i % 7}`),
    });
    expect(columnOf(result, 'few')).toMatchObject({
      type: 'numeric',
      unreadableCount: 8,
      missingCount: 0,
    });
    expect(result.notes).toEqual(['few: 8 of its values are no numbers']);
    expect(result.reference.columns.get('few')).toMatchObject({ count: 992, missingCount: 8 });
    expect(columnOf(result, 'many').type).toBe('categorical');
  });

  it('what the user named is believed', async () => {
    const result = await profile(
      {
        id: (i) => `u${i}`,
        label: (i) => `${i % 2}`,
        score: number,
        class: (i) => `${i % 3}`,
        x: number,
      },
      { idColumn: 'id', labelColumn: 'label', predictionColumn: 'score', sliceColumns: ['class'] },
    );
    expect(result.columns.map(({ name, type, role }) => `${name} ${type} ${role}`)).toEqual([
      'label numeric label',
      'score numeric prediction',
      'class categorical feature',
      'x numeric feature',
    ]);
    expect(columnOf(result, 'label').range).toBeNull();
    expect(result.slices).toEqual(['class']);
    expect([...result.reference.slices.keys()].toSorted()).toEqual([
      'class=0',
      'class=1',
      'class=2',
    ]);
    expect(result.reference.slices.get('class=1')!.get('x')).toMatchObject({ count: 333 });
    expect(result.event.id).toMatchObject({ path: ['id'], header: 'id' });
    expect(fieldOf(result, 'id').type).toBe('string');
  });
});

describe('id and time', () => {
  it('come from the row number where none is named, beside columns of those names', async () => {
    const result = await profile({ row: number, eventTime: number });
    expect(result.event.id).toEqual({ path: ['row_2'], header: null });
    expect(result.event.eventTime).toEqual({ path: ['eventTime_2'], header: null, unit: 'ms' });
    expect(result.window.text).toBe('15m');
    expect(fieldOf(result, 'row_2')).toMatchObject({ type: 'long', 'tg-source': 'row-number' });
  });

  const day = 86_400_000;
  const start = Date.parse('2021-06-01T00:00:00Z');
  it.each([
    [
      'iso8601',
      (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' '),
      'string',
    ],
    ['iso8601', (ms: number) => new Date(ms).toISOString(), 'string'],
    ['s', (ms: number) => ms / 1_000, 'long'],
    ['s', (ms: number) => ms / 1_000 + 0.5, 'double'],
    ['ms', (ms: number) => String(ms), { type: 'long', logicalType: 'timestamp-millis' }],
    ['us', (ms: number) => ms * 1_000, { type: 'long', logicalType: 'timestamp-micros' }],
  ] as const)('unit %s is found, its span and its Avro type', async (unit, cell, type) => {
    const result = await profile(
      { at: (i) => cell(start + i * day), x: number },
      { eventTimeColumn: 'at' },
    );
    expect(result.event.eventTime).toMatchObject({ path: ['at'], unit });
    expect(fieldOf(result, 'at').type).toEqual(type);
    expect(Math.round((result.span.endMs - result.span.startMs) / day)).toBe(999);
    expect(Math.abs(result.span.startMs - start)).toBeLessThan(1_000);
  });

  it('disorder becomes allowed lateness, and is noted where there is no order at all', async () => {
    const at = (order: (i: number) => number) => (i: number) => start + order(i) * 1_000;
    const lateness = async (order: (i: number) => number) =>
      profile({ at: at(order), x: number }, { eventTimeColumn: 'at' });
    expect((await lateness((i) => i)).allowedLateness?.text).toBe('1m');
    expect((await lateness((i) => i - (i % 10) * 9)).allowedLateness?.text).toBe('5m');
    const none = await lateness(shuffled);
    expect(none.allowedLateness).toBeNull();
    expect(none.notes).toEqual([expect.stringContaining('not in the order of event time')]);
  });

  it('rows without a time are noted', async () => {
    const cells = { at: (i: number) => (i % 5 === 0 ? '' : start + i), x: number };
    const { notes } = await profile(cells, { eventTimeColumn: 'at' });
    expect(notes).toEqual(['200 rows have no readable event time and would be quarantined']);
  });
});

describe('events', () => {
  const events = (eventAt: (index: number) => object, rowCount = 500) =>
    eventsOf(Array.from({ length: rowCount }, (_, index) => eventAt(index)));

  it('give nested columns, late ones too, by the types JSON has', async () => {
    const result = await profileDataset({
      dataset: events((i) => ({
        id: i,
        applicant: { age: shuffled(i), home: { city: 'ab'[i % 2], zip: '123' } },
        ok: i % 2 === 0,
        ...(i < 100 ? {} : { late: shuffled(i) }),
      })),
      idColumn: 'id',
      sliceColumns: ['applicant.home.city'],
    });
    expect(
      result.columns.map(({ name, type, missingCount }) => `${name} ${type} ${missingCount}`),
    ).toEqual([
      'applicant.age numeric 0',
      'applicant.home.city categorical 0',
      'applicant.home.zip categorical 0',
      'ok categorical 0',
      'late numeric 100',
    ]);
    expect(fieldOf(result, 'id').type).toBe('long');
    expect(result.reference.slices.get('applicant.home.city=a')!.get('ok')).toMatchObject({
      count: 250,
    });
  });

  it('leave out what one Avro type cannot hold, and say so', async () => {
    const { columns, notes } = await profileDataset({
      dataset: events((i) => ({
        x: shuffled(i),
        tags: ['a'],
        mixed: i % 2 === 0 ? 1 : 'one',
        either: i % 2 === 0 ? i % 50 : { deep: 1 },
        'not a name': 1,
        gone: null,
      })),
      sliceColumns: [],
    });
    expect(columns.map(({ name }) => name)).toEqual(['x', 'either']);
    expect(notes).toEqual([
      'tags: left out, an event schema cannot hold it',
      'not a name: left out, an event schema cannot hold it',
      'either: left out, an event schema cannot hold it',
      'mixed: left out, it mixes text, numbers and booleans',
    ]);
  });

  it('with a schema of their own keep it', async () => {
    const writerSchema = {
      type: 'record',
      name: 'Loan',
      namespace: 'bank',
      fields: [
        { name: 'amount', type: 'int' },
        { name: 'grade', type: { type: 'enum', name: 'Grade', symbols: ['A', 'B'] } },
        { name: 'history', type: { type: 'array', items: 'int' } },
      ],
    };
    const dataset = {
      ...events((i) => ({ amount: shuffled(i), grade: 'AB'[i % 2], history: [] })),
      writerSchema,
    };
    const result = await profileDataset({
      dataset: dataset as typeof dataset & { kind: 'events' },
      sliceColumns: [],
    } as ProfileOptions);
    const { fields, ...rest } = result.event.schema as typeof writerSchema;
    expect(rest).toEqual({ type: 'record', name: 'Loan', namespace: 'bank' });
    expect(fields.slice(0, 2).map(({ name }) => name)).toEqual(['row', 'eventTime']);
    expect(fields.slice(2)).toEqual(writerSchema.fields);
    expect(result.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'amount numeric',
      'grade categorical',
    ]);
  });

  it('that are no objects are refused by their line', async () => {
    const dataset = eventsOf([{ x: 1 }]);
    const broken = {
      ...dataset,
      async *rows() {
        yield [{ index: 0, event: null, bytes: new Uint8Array(), place: 'line 7' }];
      },
    } as ProfileOptions['dataset'];
    await expect(profileDataset({ dataset: broken, sliceColumns: [] })).rejects.toThrow(
      /memory\.jsonl: line 7 is not a JSON object/,
    );
  });
});

describe('what is refused', () => {
  const cells: Cells = { x: number, text: (i) => `t${i % 3}`, ratio: (i) => i / 7 };
  it.each<[string, Partial<ProfileOptions>, RegExp]>([
    [
      'an unknown column',
      { labelColumn: 'y' },
      /memory\.csv: no label column "y", found x, text, ratio/,
    ],
    [
      'a column named twice',
      { labelColumn: 'x', predictionColumn: 'x' },
      /"x" is named both as label and as prediction/,
    ],
    [
      'a time that is none',
      { eventTimeColumn: 'text' },
      /event-time column "text" is not an event time: found "t0"; expected ISO 8601/,
    ],
    ['no rows', { rows: { from: 5_000, to: 6_000 } }, /the data has no rows/],
  ])('%s', async (_, options, message) => {
    await expect(profile(cells, options)).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(message),
    });
  });

  it('a date without a time, which the validator would quarantine', async () => {
    const dates = { ...cells, at: (i: number) => `2020-01-${10 + (i % 20)}` };
    await expect(profile(dates, { eventTimeColumn: 'at' })).rejects.toThrow(/found "2020-01-10"/);
  });

  it('data in which nothing could be watched', async () => {
    await expect(profile({ name: (i) => `Mr. ${i}` })).rejects.toThrow(
      /no column that could be watched/,
    );
  });

  it('more columns than a monitor can have', async () => {
    const wide = tableOf(
      Array.from({ length: 1_001 }, (_, n) => `c${n}`),
      3,
      () => [],
    );
    await expect(profileDataset({ dataset: wide, sliceColumns: [] })).rejects.toThrow(
      /more than 1000 columns/,
    );
  });
});

describe('a long table', () => {
  it('is profiled the same twice, in bounded memory, with progress to the end', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const live = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const rowCount = 200_000;
    const cells: Cells = {
      x: number,
      y: (i) => String(Math.sin(i) * 1_000),
      name: (i) => `customer ${i}`,
      kind: (i) => `k${i % 30}`,
      flag: (i) => i % 2 === 0,
    };
    const before = live();
    let peak = 0;
    let calls = 0;
    const progress: number[] = [];
    const run = () =>
      profileDataset({
        dataset: table(cells, rowCount),
        sliceColumns: ['kind'],
        onProgress: ({ done, total }) => {
          progress.push(done / total);
          calls += 1;
          if (calls % 150 === 0) peak = Math.max(peak, live());
        },
      });
    const first = await run();
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(peak).toBeGreaterThan(0);
    // The table itself would be some 100 MB; 31 sets of sketches and the surveys are a few.
    expect((peak - before) / 1e6).toBeLessThan(12);
    const second = await run();
    expect(formatReference(second.reference)).toBe(formatReference(first.reference));
  });
});
