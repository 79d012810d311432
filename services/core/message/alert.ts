/**
 * An alert: one transition of one series, as CloudEvents 1.0 JSON in structured mode.
 *
 * The id is a hash of (rule, monitor, series, window, transition), so saying it twice is harmless.
 * `time` is the end of the window that decided, event time: a replay says the same.
 */
import { createHash } from 'node:crypto';
import { DRIFT_SHAPES, type DriftShape } from '../decision/drift-shape.ts';
import { CodedError } from '../errors.ts';

export type AlertState = 'firing' | 'resolved';

export interface Alert {
  readonly rule: string;
  readonly monitor: string;
  readonly column: string;
  /** `column=value`; empty for the whole. */
  readonly slice: string;
  /** What the window was held against, as in the report. */
  readonly baseline: string;
  readonly state: AlertState;
  readonly severity: 'critical' | 'warning' | 'info';
  /** The window that decided. */
  readonly windowStart: string;
  readonly windowEnd: string;
  /** Start of the first window of the drift; on `resolved` the drift that ended. */
  readonly driftStart: string;
  readonly distance: string;
  readonly value: number;
  readonly threshold: number;
  /** How the drift came about, as far as it can be told by now; on `resolved` what it was. */
  readonly shape: DriftShape | null;
  /** Events in the deciding window. */
  readonly count: number;
  /** One hash per (rule, monitor, column, slice, window plan, baseline): the same for firing and resolved. */
  readonly fingerprint: string;
  readonly summary: string;
}

/** Describes `data` of the CloudEvent. */
export const ALERT_SCHEMA = {
  type: 'record',
  name: 'Alert',
  namespace: 'tidegauge.v1',
  doc: 'The data of an alert; written as CloudEvents 1.0 JSON, type tidegauge.alert.v1.',
  fields: [
    { name: 'rule', type: 'string' },
    { name: 'monitor', type: 'string' },
    { name: 'column', type: 'string' },
    { name: 'slice', type: 'string', doc: 'column=value; empty for the whole.' },
    { name: 'baseline', type: 'string', doc: 'reference, trailing <windows> or calendar <weeks>.' },
    { name: 'state', type: { type: 'enum', name: 'AlertState', symbols: ['firing', 'resolved'] } },
    {
      name: 'severity',
      type: { type: 'enum', name: 'Severity', symbols: ['critical', 'warning', 'info'] },
    },
    { name: 'windowStart', type: 'string', doc: 'ISO 8601, the window that decided.' },
    { name: 'windowEnd', type: 'string', doc: 'ISO 8601, exclusive.' },
    { name: 'driftStart', type: 'string', doc: 'ISO 8601, start of the first drifting window.' },
    { name: 'distance', type: 'string', doc: 'Name of the distance or statistic that decided.' },
    { name: 'value', type: 'double' },
    { name: 'threshold', type: 'double' },
    {
      name: 'shape',
      type: ['null', { type: 'enum', name: 'DriftShape', symbols: DRIFT_SHAPES }],
      doc: 'How the drift came about.',
    },
    { name: 'count', type: 'long', doc: 'Events in the deciding window.' },
    { name: 'fingerprint', type: 'string', doc: 'Same for firing and resolved of one series.' },
    { name: 'summary', type: 'string', doc: 'One sentence for a person.' },
  ],
} as const;

export const ALERT_TYPE = 'tidegauge.alert.v1';

/** Hash of parts that cannot run into each other; 32 hex characters. */
export function hashParts(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

export function alertId(alert: Pick<Alert, 'fingerprint' | 'windowEnd' | 'state'>): string {
  return hashParts([alert.fingerprint, alert.windowEnd, alert.state]);
}

export function encodeAlert(alert: Alert): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id: alertId(alert),
      source: `/tidegauge/${alert.monitor}`,
      type: ALERT_TYPE,
      subject: alert.slice === '' ? alert.column : `${alert.column}{${alert.slice}}`,
      time: alert.windowEnd,
      datacontenttype: 'application/json',
      data: alert,
    }),
  );
}

/** Throws `state.corrupt` where the bytes are not an alert of ours. */
export function decodeAlert(bytes: Uint8Array): Alert {
  let parsed: { type?: unknown; data?: unknown } | null;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof parsed;
  } catch (cause) {
    throw new CodedError('state.corrupt', 'alert is not JSON', { cause });
  }
  if (parsed?.type !== ALERT_TYPE) {
    throw new CodedError(
      'state.corrupt',
      `alert has type ${String(parsed?.type)}, expected ${ALERT_TYPE}`,
    );
  }
  return parsed.data as Alert;
}
