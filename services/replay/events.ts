/** Everything the replay ever says: one function per thing that can happen. */
import type { Telemetry } from '../platform/telemetry/telemetry.ts';

export function createReplayEvents(telemetry: Telemetry) {
  const logger = telemetry.logger('replay');
  const published = telemetry
    .counter({
      name: 'tidegauge.replay.records',
      description: 'Records published into a run.',
      unit: '{record}',
    })
    .cell({});

  return {
    recordsPublished(count: number): void {
      published.add(count);
    },

    retried(what: string, error: Error, attempt: number): void {
      logger.warn({ what, error: error.message, attempt }, 'a request failed, retrying');
    },
  };
}
