/** Service alerts as CloudEvents beside the alerts of drift. */
import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { decodeAlert, encodeAlert } from '../../../../services/core/message/alert.ts';
import {
  decodeServiceAlert,
  encodeServiceAlert,
  isServiceAlert,
  SERVICE_ALERT_SCHEMA,
  SERVICE_ALERT_TYPE,
  type ServiceAlert,
  serviceAlertFingerprint,
  serviceAlertId,
} from '../../../../services/core/message/service-alert.ts';

const SUBJECT = {
  rule: 'inference.circuit',
  monitor: 'credit',
  service: 'inference-worker',
  subject: '2026-03',
};
const ALERT: ServiceAlert = {
  ...SUBJECT,
  state: 'firing',
  severity: 'critical',
  since: '2026-05-01T10:00:00.000Z',
  summary: 'credit: version 2026-03 fails too often – “50 %”',
  fingerprint: serviceAlertFingerprint(SUBJECT),
};

const DRIFT_ALERT = encodeAlert({
  ...{ rule: 'drift', monitor: 'credit', column: 'age', slice: '', baseline: 'reference' },
  ...{ state: 'firing', severity: 'warning', windowStart: 's', windowEnd: 'e', driftStart: 'd' },
  ...{ distance: 'ks', value: 1, threshold: 0.1, shape: null, count: 1, fingerprint: 'f' },
  summary: 'drift',
});

describe('a service alert', () => {
  it('is a CloudEvent 1.0 with data of its schema', () => {
    const event = JSON.parse(Buffer.from(encodeServiceAlert(ALERT)).toString('utf8'));
    expect(event).toEqual({
      specversion: '1.0',
      id: serviceAlertId(ALERT),
      source: '/tidegauge/credit/inference-worker',
      type: SERVICE_ALERT_TYPE,
      subject: '2026-03',
      time: ALERT.since,
      datacontenttype: 'application/json',
      data: ALERT,
    });
    const type = avro.Type.forSchema(SERVICE_ALERT_SCHEMA as unknown as avro.Schema);
    expect(type.isValid(event.data)).toBe(true);
    expect(type.isValid({ ...event.data, state: 'open' })).toBe(false);
  });

  it('is read as it was written', () => {
    expect(decodeServiceAlert(encodeServiceAlert(ALERT))).toEqual(ALERT);
  });

  it('is told from an alert of drift by its type', () => {
    expect(isServiceAlert(encodeServiceAlert(ALERT))).toBe(true);
    expect(isServiceAlert(DRIFT_ALERT)).toBe(false);
    expect(() => decodeAlert(encodeServiceAlert(ALERT))).toThrow('expected tidegauge.alert.v1');
    expect(() => decodeServiceAlert(DRIFT_ALERT)).toThrow(SERVICE_ALERT_TYPE);
  });

  it.each(['', 'nonsense', '{}', '[]', 'null', '1', '"x"'])('is not %j', (text) => {
    expect(isServiceAlert(Buffer.from(text))).toBe(false);
    expect(() => decodeServiceAlert(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'state.corrupt' }),
    );
  });
});

describe('its identity', () => {
  it('is one fingerprint per rule, monitor, service and subject', () => {
    for (const name of ['rule', 'monitor', 'service', 'subject'] as const) {
      const other = serviceAlertFingerprint({ ...SUBJECT, [name]: 'other' });
      expect(other).not.toBe(ALERT.fingerprint);
    }
  });

  it('is one id per fingerprint, beginning and state, whatever is said of it', () => {
    expect(serviceAlertId({ ...ALERT, summary: 'else' } as ServiceAlert)).toBe(
      serviceAlertId(ALERT),
    );
    for (const change of [
      { state: 'resolved' as const },
      { since: '2026-05-01T11:00:00.000Z' },
      { fingerprint: '0' },
    ]) {
      expect(serviceAlertId({ ...ALERT, ...change })).not.toBe(serviceAlertId(ALERT));
    }
  });
});
