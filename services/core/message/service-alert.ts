/**
 * A service alert: something is wrong with a service itself, not with the data it measures, such as a
 * model version that fails too often to be asked. CloudEvents 1.0 JSON in structured mode, on the
 * topic of alerts beside those of drift, told from them by its type.
 *
 * The id is a hash of (fingerprint, since, state), so saying it twice is harmless. `since` is of the
 * wall clock: such alerts are of the live services alone, and a replay has none.
 */
import { CodedError } from '../errors.ts';
import { type AlertState, hashParts } from './alert.ts';

export interface ServiceAlert {
  /** What went wrong: `inference.circuit`. */
  readonly rule: string;
  readonly monitor: string;
  readonly service: string;
  /** What it is about: of `inference.circuit` the model version. */
  readonly subject: string;
  readonly state: AlertState;
  readonly severity: 'critical' | 'warning' | 'info';
  /** ISO 8601, when this state began. */
  readonly since: string;
  readonly summary: string;
  /** One hash per (rule, monitor, service, subject): the same for firing and resolved. */
  readonly fingerprint: string;
}

/** Describes `data` of the CloudEvent. */
export const SERVICE_ALERT_SCHEMA = {
  type: 'record',
  name: 'ServiceAlert',
  namespace: 'tidegauge.v1',
  doc: 'The data of a service alert; written as CloudEvents 1.0 JSON, type tidegauge.service-alert.v1.',
  fields: [
    { name: 'rule', type: 'string', doc: 'What went wrong: inference.circuit.' },
    { name: 'monitor', type: 'string' },
    { name: 'service', type: 'string' },
    {
      name: 'subject',
      type: 'string',
      doc: 'What it is about: of inference.circuit the model version.',
    },
    {
      name: 'state',
      type: { type: 'enum', name: 'ServiceAlertState', symbols: ['firing', 'resolved'] },
    },
    {
      name: 'severity',
      type: {
        type: 'enum',
        name: 'ServiceAlertSeverity',
        symbols: ['critical', 'warning', 'info'],
      },
    },
    { name: 'since', type: 'string', doc: 'ISO 8601, when this state began, by the wall clock.' },
    { name: 'summary', type: 'string', doc: 'One sentence for a person.' },
    { name: 'fingerprint', type: 'string', doc: 'Same for firing and resolved of one subject.' },
  ],
} as const;

export const SERVICE_ALERT_TYPE = 'tidegauge.service-alert.v1';

export function serviceAlertFingerprint(
  alert: Pick<ServiceAlert, 'rule' | 'monitor' | 'service' | 'subject'>,
): string {
  return hashParts([alert.rule, alert.monitor, alert.service, alert.subject]);
}

export function serviceAlertId(
  alert: Pick<ServiceAlert, 'fingerprint' | 'since' | 'state'>,
): string {
  return hashParts([alert.fingerprint, alert.since, alert.state]);
}

export function encodeServiceAlert(alert: ServiceAlert): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id: serviceAlertId(alert),
      source: `/tidegauge/${alert.monitor}/${alert.service}`,
      type: SERVICE_ALERT_TYPE,
      subject: alert.subject,
      time: alert.since,
      datacontenttype: 'application/json',
      data: alert,
    }),
  );
}

/** Throws `state.corrupt` where the bytes are not a service alert of ours. */
export function decodeServiceAlert(bytes: Uint8Array): ServiceAlert {
  const parsed = parse(bytes);
  if (parsed?.type === SERVICE_ALERT_TYPE) return parsed.data as ServiceAlert;
  const found = parsed === null ? 'no JSON object' : `type ${String(parsed.type)}`;
  throw new CodedError(
    'state.corrupt',
    `service alert has ${found}, expected type ${SERVICE_ALERT_TYPE}`,
  );
}

/** For readers of the topic of alerts that want those of drift alone. */
export function isServiceAlert(bytes: Uint8Array): boolean {
  return parse(bytes)?.type === SERVICE_ALERT_TYPE;
}

function parse(bytes: Uint8Array): { readonly type?: unknown; readonly data?: unknown } | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
