/**
 * A metric's name in Prometheus, by the rules the OpenTelemetry Collector's Prometheus exporter
 * follows: dots become underscores, the unit is spelt out at the end, a counter ends in `_total`.
 *
 * The JavaScript exporter leaves the unit out, so a dashboard would need other names for a scraped
 * service than for the same metrics through a collector; with this, both show the same.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
import type { InstrumentKind } from './metric-registry.ts';

/** Units of the UCUM; a unit in braces is an annotation and adds nothing. */
const UNIT_SUFFIX: Readonly<Record<string, string>> = {
  ns: 'nanoseconds',
  us: 'microseconds',
  ms: 'milliseconds',
  s: 'seconds',
  min: 'minutes',
  h: 'hours',
  d: 'days',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  '%': 'percent',
};

export function prometheusName(name: string, unit: string, kind: InstrumentKind): string {
  const words = name.split(/[^a-zA-Z0-9]+/).filter((word) => word !== '' && word !== 'total');
  const suffix = unit === '1' && kind === 'gauge' ? 'ratio' : UNIT_SUFFIX[unit];
  if (suffix !== undefined && !words.includes(suffix)) words.push(suffix);
  if (kind === 'counter') words.push('total');
  const joined = words.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}
