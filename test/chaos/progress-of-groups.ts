/** How far the services' consumer groups are: what the brokers say was committed, and what is left. */
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { groupName } from '../../services/platform/lifecycle/stateful-service.ts';

const LOOK_INTERVAL_MS = 250;

/** What one group reads. */
export interface Reading {
  readonly group: string;
  readonly topic: string;
  readonly partitionCount: number;
}

export interface Readings {
  readonly aggregatorValid: Reading;
  readonly aggregatorPredictions: Reading;
  readonly all: readonly Reading[];
}

export function readingsOf(monitor: string, topics: Topics, partitionCount: number): Readings {
  const reading = (service: string, topic: string, count = partitionCount): Reading => ({
    group: groupName(monitor, service, 'live'),
    topic,
    partitionCount: count,
  });
  const aggregatorValid = reading('drift-aggregator', topics.valid);
  const aggregatorPredictions = reading('drift-aggregator', topics.predictions);
  return {
    aggregatorValid,
    aggregatorPredictions,
    all: [
      reading('validator', topics.events),
      reading('inference-worker', topics.valid),
      aggregatorValid,
      aggregatorPredictions,
      reading('evaluator', topics.panes, 1),
      reading('alerting', topics.reports, 1),
    ],
  };
}

/** By partition; 0 where nothing was committed yet. */
export async function committedOffsets(bus: Bus, reading: Reading): Promise<readonly number[]> {
  const partitions = Array.from({ length: reading.partitionCount }, (_, partition) => partition);
  return Promise.all(
    partitions.map(
      async (partition) =>
        (await bus.committed(reading.group, { topic: reading.topic, partition }))?.offset ?? 0,
    ),
  );
}

/** Records that the group has not committed yet. */
export async function lagOf(bus: Bus, reading: Reading): Promise<number> {
  const { topic } = reading;
  const committed = await committedOffsets(bus, reading);
  const lags = committed.map(async (offset, partition) => {
    const { next } = await bus.offsets({ topic, partition });
    return Math.max(0, next - offset);
  });
  return (await Promise.all(lags)).reduce((sum, lag) => sum + lag, 0);
}

/**
 * Waits until every group has read everything, from the first service to the last: what an earlier
 * one still holds would otherwise come after a later one was looked at. Resolves with what is left,
 * as text; empty when nothing is.
 */
export async function drained(
  bus: Bus,
  readings: readonly Reading[],
  limitMs: number,
): Promise<string> {
  const deadlineMs = performance.now() + limitMs;
  for (const reading of readings) {
    for (let lag = await lagOf(bus, reading); lag > 0; lag = await lagOf(bus, reading)) {
      if (performance.now() > deadlineMs) {
        return `${reading.group} is ${lag} records behind on ${reading.topic}`;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }
  return '';
}
