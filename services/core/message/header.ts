/**
 * The record headers tidegauge reads and writes. Values are UTF-8.
 *
 * `tg-origin` is `<topic>:<partition>:<offset>` of the record at the start of the chain; what is
 * derived from it keeps it, so that a consumer can drop a repeated run (origin-filter.ts).
 * `tg-control` marks a record that is not an event; only replay runs carry any. `tg-record-timestamp`
 * is the timestamp a replayed record had in its source. `tg-rebuild-from` and
 * `tg-first-origin` say of a pane what the aggregator needs to make its state anew from the log, and a
 * comparison to know what a range covers. `tg-redrive` is `<topic>:<partition>:<offset>` of the
 * quarantined record that an event was sent again from, `tg-redrive-stage` the service that had
 * refused it.
 */
export const HEADER = {
  origin: 'tg-origin',
  control: 'tg-control',
  recordTimestamp: 'tg-record-timestamp',
  traceparent: 'traceparent',
  errorStage: 'tg-error-stage',
  errorClass: 'tg-error-class',
  errorRule: 'tg-error-rule',
  errorMessage: 'tg-error-message',
  errorOrigin: 'tg-error-origin',
  errorAttempt: 'tg-error-attempt',
  alertId: 'tg-alert-id',
  rebuildFrom: 'tg-rebuild-from',
  firstOrigin: 'tg-first-origin',
  redrive: 'tg-redrive',
  redriveStage: 'tg-redrive-stage',
  contentType: 'content-type',
} as const;

export type HeaderValue = Uint8Array | readonly Uint8Array[];

/** The first value of a header as text, `null` where there is none. */
export function headerText(
  headers: Readonly<Record<string, HeaderValue>>,
  name: string,
): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  const bytes = value instanceof Uint8Array ? value : value[0];
  return bytes === undefined
    ? null
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

export function headerBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
