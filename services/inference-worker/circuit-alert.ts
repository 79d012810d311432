/**
 * The alert that a circuit has opened, and that it is closed again: one pair for each opening, with
 * the time it opened as its identity.
 */
import { HEADER, headerBytes } from '../core/message/header.ts';
import type { OutgoingRecord } from '../core/message/record.ts';
import {
  encodeServiceAlert,
  type ServiceAlert,
  serviceAlertFingerprint,
  serviceAlertId,
} from '../core/message/service-alert.ts';

const RULE = 'inference.circuit';

const SUMMARIES: Readonly<Record<CircuitMove['state'], string>> = {
  opened: 'failed too often; where there is a fallback it answers instead',
  closed: 'answers again',
  withdrawn: 'failed too often and was withdrawn',
};

export interface CircuitMove {
  readonly version: string;
  /** `withdrawn`: it was open when its version ceased to answer events. */
  readonly state: 'opened' | 'closed' | 'withdrawn';
  /** Wall clock. */
  readonly nowMs: number;
}

/** The record for the topic of alerts. */
export function circuitAlert(
  source: { readonly monitor: string; readonly service: string; readonly topic: string },
  { version, state, nowMs }: CircuitMove,
): OutgoingRecord {
  const { monitor, service } = source;
  const about = { rule: RULE, monitor, service, subject: version };
  const alert: ServiceAlert = {
    ...about,
    state: state === 'opened' ? 'firing' : 'resolved',
    severity: 'critical',
    since: new Date(nowMs).toISOString(),
    summary: `${monitor}: model version ${version} ${SUMMARIES[state]}`,
    fingerprint: serviceAlertFingerprint(about),
  };
  return {
    topic: source.topic,
    partition: null,
    key: Buffer.from(alert.fingerprint),
    value: encodeServiceAlert(alert),
    headers: {
      [HEADER.alertId]: headerBytes(serviceAlertId(alert)),
      [HEADER.contentType]: headerBytes('application/cloudevents+json; charset=UTF-8'),
    },
    timestampMs: null,
  };
}
