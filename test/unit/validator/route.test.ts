/** Where the validator sends a record, and what it leaves of it. */
import { describe, expect, it } from 'vitest';
import { createEventReader } from '../../../services/core/codec/event-reader.ts';
import { QUARANTINE_VALUE_BYTES_MAX } from '../../../services/core/limits.ts';
import { endOfRunHeaders } from '../../../services/core/message/control.ts';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import type { BusRecord } from '../../../services/core/message/record.ts';
import { LIVE_RUN, runTopics } from '../../../services/core/message/topics.ts';
import { createRoute } from '../../../services/validator/route.ts';
import { createValidate } from '../../../services/validator/validate.ts';
import { EVENT_SCHEMA, stationMonitor } from '../../support/embedded-run.ts';

const level = { ...stationMonitor().columns[0]!, maximum: 100 };
const monitor = stationMonitor({ columns: [level, stationMonitor().columns[1]!] });
const EVENT = { id: 'e1', at: 1_000, level: 5, station: 'Brest' };

function routeOn(run: string) {
  return createRoute({
    topics: runTopics(monitor, run),
    run,
    reader: createEventReader({ schema: EVENT_SCHEMA, mapping: monitor }),
    validate: createValidate(monitor),
  });
}

function record(changes: Partial<BusRecord> = {}): BusRecord {
  return {
    topic: 'stations.events',
    partition: 3,
    offset: 42,
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify(EVENT)),
    headers: { mine: [Buffer.from('1'), Buffer.from('2')] },
    timestampMs: 123,
    ...changes,
  };
}

const live = routeOn(LIVE_RUN);
const errorOf = (headers: BusRecord['headers']) => ({
  stage: headerText(headers, HEADER.errorStage),
  class: headerText(headers, HEADER.errorClass),
  rule: headerText(headers, HEADER.errorRule),
  origin: headerText(headers, HEADER.errorOrigin),
  attempt: headerText(headers, HEADER.errorAttempt),
});

describe('a valid event', () => {
  it('goes on untouched in its partition, with its origin and a timestamp of its own', () => {
    const before = record();
    const routed = live(before);
    expect(routed.kind).toBe('valid');
    const { topic: _topic, offset: _offset, ...kept } = before;
    const origin = Buffer.from('stations.events:3:42');
    expect(routed.record).toEqual({
      ...kept,
      topic: 'stations.valid',
      timestampMs: null,
      headers: { ...before.headers, [HEADER.origin]: origin },
    });
  });

  it('is not believed an origin it came with', () => {
    const forged = { [HEADER.origin]: Buffer.from('stations.events:0:9007199254740991') };
    const routed = live(record({ headers: forged }));
    expect(routed.kind).toBe('valid');
    expect(headerText(routed.record.headers, HEADER.origin)).toBe('stations.events:3:42');
  });
});

describe('a refused record', () => {
  it.each([
    ['unreadable', Buffer.from('{"id": '), 'decode', 'decode.json-syntax'],
    ['without a value', null, 'decode', 'decode.empty'],
    [
      'of another type',
      Buffer.from('{"id":"e","at":1,"level":"x","station":"a"}'),
      'schema',
      'schema.type',
    ],
    [
      'out of range',
      Buffer.from(JSON.stringify({ ...EVENT, level: 101 })),
      'invariant',
      'invariant.range',
    ],
    ['of an unknown writer', Buffer.from([0, 0, 0, 0, 9, 1]), 'decode', 'decode.unknown-schema'],
  ])(
    '%s keeps its bytes, key, headers and place, and says why',
    (_what, value, errorClass, rule) => {
      const routed = live(record({ value }));
      expect(routed).toMatchObject({ kind: 'quarantined', rejection: { code: rule } });
      const { headers, ...rest } = routed.record;
      expect(rest).toEqual({
        topic: 'stations.quarantine',
        partition: 3,
        key: Buffer.from('k'),
        value,
        timestampMs: null,
      });
      expect(headers.mine).toEqual([Buffer.from('1'), Buffer.from('2')]);
      expect(errorOf(headers)).toEqual({
        stage: 'validator',
        class: errorClass,
        rule,
        origin: 'stations.events:3:42',
        attempt: '1',
      });
      expect(headerText(headers, HEADER.errorMessage)).not.toBe('');
    },
  );

  it('is not believed an origin it came with either', () => {
    const headers = { [HEADER.origin]: Buffer.from('other:0:7') };
    const { record: refused } = live(record({ value: null, headers }));
    expect(headerText(refused.headers, HEADER.errorOrigin)).toBe('stations.events:3:42');
    expect(headerText(refused.headers, HEADER.origin)).toBe('stations.events:3:42');
  });

  it.each([
    ['3', '4'],
    ['-1', '1'],
    ['many', '1'],
    ['', '1'],
    ['1e400', '1'],
  ])('that was refused %j times before is at attempt %s', (before, after) => {
    const headers = { [HEADER.errorAttempt]: Buffer.from(before) };
    const { record: refused } = live(record({ value: null, headers }));
    expect(headerText(refused.headers, HEADER.errorAttempt)).toBe(after);
  });

  it('larger than the limit is cut, and says how much there was', () => {
    const value = Buffer.alloc(17 * 1_048_576, 0x61);
    const { record: refused } = live(record({ value }));
    expect(refused.value).toHaveLength(QUARANTINE_VALUE_BYTES_MAX);
    expect(Buffer.from(refused.value!).every((byte) => byte === 0x61)).toBe(true);
    expect(headerText(refused.headers, HEADER.errorRule)).toBe('decode.too-large');
    expect(headerText(refused.headers, HEADER.errorMessage)).toContain(
      'the first 16777216 of 17825792 bytes are kept',
    );
  });
});

describe('a control record', () => {
  it('ends the run that it names', () => {
    const end = record({ value: null, headers: endOfRunHeaders('r1') });
    const routed = routeOn('r1')(end);
    expect(routed.kind).toBe('control');
    expect(routed.record.topic).toBe('tidegauge.stations.run-r1.valid');
    expect(headerText(routed.record.headers, HEADER.origin)).toBe('stations.events:3:42');
  });

  it.each([
    ['of a run on the live stream', LIVE_RUN, endOfRunHeaders('r1')],
    ['of the live stream on the live stream', LIVE_RUN, endOfRunHeaders(LIVE_RUN)],
    ['of another run', 'r2', endOfRunHeaders('r1')],
    ['of an unknown kind', 'r1', { [HEADER.control]: Buffer.from('stop') }],
  ])('%s is refused', (_what, run, headers) => {
    const routed = routeOn(run)(record({ headers }));
    expect(routed).toMatchObject({
      kind: 'quarantined',
      rejection: { code: 'control.unexpected' },
    });
    expect(Buffer.from(routed.record.value!).equals(record().value!)).toBe(true);
  });
});

describe('a replayed record', () => {
  const replayed = routeOn('r1');
  const inRun = (changes: Partial<BusRecord> = {}) =>
    record({
      topic: runTopics(monitor, 'r1').events,
      headers: { [HEADER.origin]: Buffer.from('stations.events:3:9000') },
      ...changes,
    });

  it.each([
    ['valid', inRun()],
    ['quarantined', inRun({ value: null })],
    ['control', inRun({ headers: { ...inRun().headers, ...endOfRunHeaders('r1') } })],
  ])('keeps the place in its source: %s', (kind, before) => {
    const routed = replayed(before);
    expect(routed.kind).toBe(kind);
    expect(headerText(routed.record.headers, HEADER.origin)).toBe('stations.events:3:9000');
    if (kind === 'quarantined') {
      expect(errorOf(routed.record.headers).origin).toBe('stations.events:3:9000');
    }
  });

  it('is held against the timestamp it had in its source, if it had one', () => {
    const skewed = stationMonitor({ futureSkewMs: 100 });
    const route = createRoute({
      topics: runTopics(skewed, 'r1'),
      run: 'r1',
      reader: createEventReader({ schema: EVENT_SCHEMA, mapping: skewed }),
      validate: createValidate(skewed),
    });
    const recordedAt = (ms: string) => ({ [HEADER.recordTimestamp]: Buffer.from(ms) });
    expect(route(inRun({ headers: recordedAt('900') })).kind).toBe('valid');
    expect(route(inRun({ headers: recordedAt('899') }))).toMatchObject({
      kind: 'quarantined',
      rejection: { code: 'time.future' },
    });
    expect(route(inRun({ headers: {} })).kind).toBe('valid');
    expect(route(inRun({ headers: recordedAt('soon') })).kind).toBe('valid');
  });
});
