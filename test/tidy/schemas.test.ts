/** The published schemas of our own records are the ones the code writes with. */
import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { ALERT_SCHEMA, type Alert, encodeAlert } from '../../services/core/message/alert.ts';
import { PANE_SCHEMA } from '../../services/core/message/pane.ts';
import { PREDICTION_SCHEMA } from '../../services/core/message/prediction.ts';
import { QUARANTINE_HEADERS_SCHEMA } from '../../services/core/message/quarantine.ts';
import { REPORT_SCHEMA } from '../../services/core/message/report.ts';
import {
  encodeServiceAlert,
  SERVICE_ALERT_SCHEMA,
  type ServiceAlert,
} from '../../services/core/message/service-alert.ts';
import { SHADOW_PREDICTION_SCHEMA } from '../../services/core/message/shadow-prediction.ts';

const SCHEMAS = {
  prediction: PREDICTION_SCHEMA,
  'shadow-prediction': SHADOW_PREDICTION_SCHEMA,
  pane: PANE_SCHEMA,
  report: REPORT_SCHEMA,
  alert: ALERT_SCHEMA,
  'service-alert': SERVICE_ALERT_SCHEMA,
  'quarantine-headers': QUARANTINE_HEADERS_SCHEMA,
};

describe('schemas/', () => {
  it.each(Object.entries(SCHEMAS))('%s.avsc is the one in use', async (name, schema) => {
    expect(avro.Type.forSchema(schema as unknown as avro.Schema).name).toMatch(/^tidegauge\.v1\./);
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
      `../../schemas/${name}.avsc`,
    );
  });

  it('the data of an alert is of its schema', () => {
    const alert: Alert = {
      rule: 'r',
      monitor: 'm',
      column: 'c',
      slice: '',
      baseline: 'reference',
      state: 'firing',
      severity: 'warning',
      windowStart: '2026-01-01T00:00:00.000Z',
      windowEnd: '2026-01-01T00:10:00.000Z',
      driftStart: '2026-01-01T00:00:00.000Z',
      distance: 'ks',
      value: 0.5,
      threshold: 0.1,
      shape: null,
      count: 10,
      fingerprint: 'f',
      summary: 's',
    };
    const event = JSON.parse(Buffer.from(encodeAlert(alert)).toString());
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'tidegauge.alert.v1',
      source: '/tidegauge/m',
      subject: 'c',
      time: alert.windowEnd,
    });
    expect(avro.Type.forSchema(ALERT_SCHEMA as unknown as avro.Schema).isValid(event.data)).toBe(
      true,
    );
  });

  it('the data of a service alert is of its schema', () => {
    const alert: ServiceAlert = {
      rule: 'inference.circuit',
      monitor: 'm',
      service: 'inference-worker',
      subject: '4',
      state: 'resolved',
      severity: 'critical',
      since: '2026-01-01T00:00:00.000Z',
      summary: 's',
      fingerprint: 'f',
    };
    const event = JSON.parse(Buffer.from(encodeServiceAlert(alert)).toString());
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'tidegauge.service-alert.v1',
      source: '/tidegauge/m/inference-worker',
      subject: '4',
      time: alert.since,
    });
    const type = avro.Type.forSchema(SERVICE_ALERT_SCHEMA as unknown as avro.Schema);
    expect(type.isValid(event.data)).toBe(true);
  });
});
