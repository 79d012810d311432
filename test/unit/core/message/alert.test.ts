/** Alerts as CloudEvents, and ids that make saying one twice harmless. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALERT_TYPE,
  type Alert,
  alertId,
  decodeAlert,
  encodeAlert,
  hashParts,
} from '../../../../services/core/message/alert.ts';

const ALERT: Alert = {
  rule: 'drift',
  monitor: 'stations',
  column: 'level',
  slice: '',
  baseline: 'reference',
  state: 'firing',
  severity: 'warning',
  windowStart: '2026-05-01T10:00:00.000Z',
  windowEnd: '2026-05-01T11:00:00.000Z',
  driftStart: '2026-05-01T09:00:00.000Z',
  distance: 'ks',
  value: 0.41,
  threshold: 0.1,
  shape: 'sudden',
  count: 1_234,
  fingerprint: 'f'.repeat(32),
  summary: 'stations: level drifts – “ks” 0.410',
};

const parsed = (alert: Alert) => JSON.parse(Buffer.from(encodeAlert(alert)).toString('utf8'));

describe('an alert', () => {
  it('is a CloudEvent 1.0 that tells event time and nothing of the wall clock', () => {
    expect(parsed(ALERT)).toEqual({
      specversion: '1.0',
      id: alertId(ALERT),
      source: '/tidegauge/stations',
      type: ALERT_TYPE,
      subject: 'level',
      time: ALERT.windowEnd,
      datacontenttype: 'application/json',
      data: ALERT,
    });
    expect(parsed({ ...ALERT, slice: 'station=Brest' }).subject).toBe('level{station=Brest}');
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (text, value) => {
          const alert = { ...ALERT, column: text, summary: text, value: value + 0 };
          expect(decodeAlert(encodeAlert(alert))).toEqual(alert);
        },
      ),
    );
  });

  it.each(['', 'nonsense', '{}', '[]', '{"type":"com.example.other","data":{}}'])(
    'is not %j',
    (text) => {
      expect(() => decodeAlert(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'state.corrupt' }),
      );
    },
  );

  it.each(['null', '1', '"x"'])('is not the JSON %s', (text) => {
    expect(() => decodeAlert(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'state.corrupt' }),
    );
  });
});

describe('an alert id', () => {
  it('is the same for the same transition, whatever else is said of it', () => {
    expect(alertId({ ...ALERT, value: 0.9, summary: 'else' } as Alert)).toBe(alertId(ALERT));
  });

  it.each([
    { fingerprint: '0'.repeat(32) },
    { windowEnd: '2026-05-01T12:00:00.000Z' },
    { state: 'resolved' as const },
  ])('differs with %j', (change) => {
    expect(alertId({ ...ALERT, ...change })).not.toBe(alertId(ALERT));
  });

  it('keeps parts from running into each other', () => {
    const parts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        expect(hashParts(left) === hashParts(right)).toBe(
          JSON.stringify(left) === JSON.stringify(right),
        );
      }),
    );
    expect(hashParts(['a', 'b'])).not.toBe(hashParts(['ab']));
    expect(hashParts(['a","b'])).not.toBe(hashParts(['a', 'b']));
  });
});
