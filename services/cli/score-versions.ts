/**
 * The versions that `tidegauge score` asks: those of the plan in force when it begins, or one alone.
 * Nothing goes by the wall clock, so that the same file gets the same answers: no deadline, no
 * circuit, and a plan that changes meanwhile changes nothing. Nobody would read what a shadow says.
 */
import type { Monitor, MonitorModel } from '../core/monitor/monitor.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import { createInferenceEvents } from '../inference-worker/events.ts';
import { createScoring, type Scoring } from '../inference-worker/scoring.ts';
import type { ServicePorts } from '../platform/lifecycle/service-scope.ts';
import type { ModelFolder } from '../platform/model/model-folder.ts';

/** `version`: `null` for the plan in force. */
export function createFileScoring(
  ports: Pick<ServicePorts, 'clock' | 'modelRuntime' | 'openModelFolder' | 'telemetry'>,
  monitor: Monitor,
  spec: MonitorModel,
  version: string | null,
): Scoring {
  const folder = ports.openModelFolder(spec.versionsDirectory);
  const rollout: RolloutPlan =
    version === null
      ? { ...spec.rollout, shadow: null }
      : { primary: version, canary: null, ab: [], shadow: null };
  return createScoring({
    monitor,
    spec: { ...spec, rollout },
    clock: ports.clock,
    modelRuntime: ports.modelRuntime,
    modelFolder: version === null ? withoutShadow(folder) : withoutPlan(folder),
    isLive: false,
    events: createInferenceEvents(ports.telemetry),
  });
}

function withoutShadow(folder: ModelFolder): ModelFolder {
  return {
    ...folder,
    async look() {
      const found = await folder.look();
      const rollout = found.rollout === null ? null : { ...found.rollout, shadow: null };
      return { ...found, rollout };
    },
  };
}

function withoutPlan(folder: ModelFolder): ModelFolder {
  return {
    ...folder,
    look: async () => ({ ...(await folder.look()), rollout: null, rolloutProblem: null }),
  };
}
