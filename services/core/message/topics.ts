/**
 * The topics of one run, their partition counts and settings.
 *
 * `valid`, `quarantine`, `predictions` and `shadow` have the partitions of the event topic, so that every hop
 * keeps a record's partition. `panes` and `reports` have one: a window is judged over all partitions
 * together, which is a repartition to a single owner. Live topics carry the monitor's names; a
 * replay run has topics of its own under `tidegauge.<monitor>.run-<run>`.
 */
import { QUARANTINE_VALUE_BYTES_MAX, STATE_LIFETIME_MS } from '../limits.ts';
import type { Monitor, Topics } from '../monitor/monitor.ts';

export const LIVE_RUN = 'live';

export interface RunTopicSpec {
  readonly topic: string;
  readonly partitionCount: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export function runTopics(monitor: Monitor, run: string): Topics {
  if (run === LIVE_RUN) return monitor.topics;
  const name = (what: string) => `tidegauge.${monitor.name}.run-${run}.${what}`;
  return {
    events: name('events'),
    valid: name('valid'),
    quarantine: name('quarantine'),
    predictions: name('predictions'),
    shadow: name('shadow'),
    panes: name('panes'),
    reports: name('reports'),
    alerts: name('alerts'),
  };
}

/** Everything that must exist besides the event topic. */
export function derivedTopicSpecs(topics: Topics, partitionCount: number): readonly RunTopicSpec[] {
  const roomy = { 'max.message.bytes': String(QUARANTINE_VALUE_BYTES_MAX + 65_536) };
  return [
    { topic: topics.valid, partitionCount },
    { topic: topics.quarantine, partitionCount, settings: roomy },
    { topic: topics.predictions, partitionCount },
    { topic: topics.shadow, partitionCount },
    { topic: topics.panes, partitionCount: 1, settings: roomy },
    { topic: topics.reports, partitionCount: 1 },
    { topic: topics.alerts, partitionCount: 1 },
  ];
}

/**
 * Every topic of a replay run, its events too: bounded in time like its state, should nobody ever
 * come back to finish it. A replayed record may be as large as a refused one.
 */
export function replayTopicSpecs(topics: Topics, partitionCount: number): readonly RunTopicSpec[] {
  const lifetime = { 'retention.ms': String(STATE_LIFETIME_MS) };
  const roomy = { 'max.message.bytes': String(QUARANTINE_VALUE_BYTES_MAX + 65_536) };
  return [
    { topic: topics.events, partitionCount, settings: roomy },
    ...derivedTopicSpecs(topics, partitionCount),
  ].map((spec) => ({ ...spec, settings: { ...spec.settings, ...lifetime } }));
}
