/** Names in Prometheus agree with what an OpenTelemetry Collector makes of the same metrics. */
import { expect, it } from 'vitest';
import { prometheusName } from '../../../../services/platform/telemetry/prometheus-name.ts';

it.each([
  ['tidegauge.validator.events', '{event}', 'counter', 'tidegauge_validator_events_total'],
  ['tidegauge.events.total', '{event}', 'counter', 'tidegauge_events_total'],
  ['tidegauge.batch.duration', 'ms', 'histogram', 'tidegauge_batch_duration_milliseconds'],
  ['tidegauge.batch.duration', 's', 'histogram', 'tidegauge_batch_duration_seconds'],
  ['tidegauge.state.size', 'By', 'gauge', 'tidegauge_state_size_bytes'],
  ['tidegauge.state.bytes', 'By', 'gauge', 'tidegauge_state_bytes'],
  ['tidegauge.sent', 'By', 'counter', 'tidegauge_sent_bytes_total'],
  ['tidegauge.cache.hit', '1', 'gauge', 'tidegauge_cache_hit_ratio'],
  ['tidegauge.runs', '1', 'counter', 'tidegauge_runs_total'],
  [
    'tidegauge.drift-aggregator.panes_open',
    '{pane}',
    'gauge',
    'tidegauge_drift_aggregator_panes_open',
  ],
] as const)('%s in %s as a %s is %s', (name, unit, kind, expected) => {
  expect(prometheusName(name, unit, kind)).toBe(expected);
});
