/**
 * A loaded model version as the scorer uses it: its queue in the batcher, and the way between cells
 * and its tensors. Each loading has a queue of its own, so that rows packed for one file never run
 * through another that has taken its name.
 */
import type { Rejection } from '../core/errors.ts';
import { rejectUnforeseen } from '../core/message/reject-unforeseen.ts';
import type { Monitor, MonitorModel } from '../core/monitor/monitor.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { LoadedModel, ModelOutputs } from '../platform/model/model-runtime.ts';
import { type Cells, createModelBatching, type ModelBatching } from './model-batch.ts';

export interface ServedModel {
  readonly version: string;
  /** SHA-256 of the model file, hex. */
  readonly digest: string;
  /** Its queue in the batcher. */
  readonly queue: string;
  readonly model: LoadedModel;
  readonly batching: ModelBatching;
}

export function createServedModel(options: {
  readonly monitor: Monitor;
  readonly spec: MonitorModel;
  readonly version: string;
  readonly model: LoadedModel;
  /** Grows with every loading of this process. */
  readonly generation: number;
}): ServedModel {
  const { monitor, spec, version, model, generation } = options;
  return {
    version,
    digest: model.description.digest,
    queue: `${version}#${generation}`,
    model,
    batching: createModelBatching(monitor, spec, model.description),
  };
}

/** Why the version cannot take the row; what nobody foresaw about it is not its neighbours' fault. */
export function checkRow({ batching }: ServedModel, cells: Cells): Rejection | null {
  try {
    return batching.check(cells);
  } catch (error) {
    return rejectUnforeseen(error);
  }
}

/** The output columns of one row, or why they are unusable; likewise. */
export function unpackRow(
  { batching }: ServedModel,
  outputs: ModelOutputs,
  row: number,
): readonly number[] | Rejection {
  try {
    return batching.unpackRow(outputs, row);
  } catch (error) {
    return rejectUnforeseen(error);
  }
}

/** What the plan makes of a version that is served; `kept`: nothing, it is there for a rollback. */
export function variantOf({ primary, canary, ab, shadow }: RolloutPlan, version: string): string {
  if (version === primary) return 'primary';
  if (version === canary?.version) return 'canary';
  if (ab.some((arm) => arm.version === version)) return 'ab';
  return version === shadow ? 'shadow' : 'kept';
}
