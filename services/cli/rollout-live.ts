/** The newest predictions of a monitor on Kafka, compared by version: for `tidegauge rollout status`. */
import { CodedError } from '../core/errors.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { connect } from './connect.ts';
import {
  compareRollout,
  DISAGREEMENT_TOLERANCE,
  type RolloutComparison,
} from './rollout-comparison.ts';
import { readRolloutRecords } from './rollout-records.ts';

/** Reads the two topics of predictions and writes nothing; needs no state store. */
export async function compareLiveVersions(
  bundle: Bundle,
  brokers: string,
): Promise<RolloutComparison> {
  const { model, topics } = bundle.monitor;
  if (model === null) {
    throw new CodedError('configuration.invalid', 'the monitor has no model, so no versions');
  }
  const ports = connect({
    environment: process.env,
    logLevel: 'warn',
    serviceName: 'tidegauge-rollout',
    ...{ brokers, redisUrl: null, schemaRegistryUrl: null, bundle },
  });
  try {
    const { predictions, shadows } = await readRolloutRecords(ports.bus, topics);
    return compareRollout(predictions, shadows, {
      outputs: model.outputs.map(({ name }) => name),
      tolerance: DISAGREEMENT_TOLERANCE,
    });
  } finally {
    await ports.close();
  }
}
