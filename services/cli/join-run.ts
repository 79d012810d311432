/**
 * Taking part in a replay run that `tidegauge replay --run NAME` has begun or is about to begin: the
 * scope of its services, and when it is over.
 */
import { CodedError } from '../core/errors.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import {
  isFinished,
  type RunRecord,
  readNamedRun,
  requireSameParts,
  untilRunOver,
  WATCH_INTERVAL_MS,
} from '../replay/named-run.ts';
import { bundleParts } from './bundle-digest.ts';
import { scopeOf } from './open-bundle.ts';

/** How long a process that was started first waits for the run to begin. */
const BEGIN_WAIT_MS = 60_000;

export interface JoinedRun {
  readonly scope: ServiceScope;
  /** Resolves when the run is finished or gone, or the signal aborts. */
  over(signal: AbortSignal): Promise<void>;
  /** True where a service failed because there is nothing left to do. */
  isOver(): Promise<boolean>;
}

export async function joinRun(
  ports: ServicePorts,
  bundle: Bundle,
  name: string,
  signal: AbortSignal,
): Promise<JoinedRun> {
  const runName = { monitor: bundle.monitor.name, name };
  const record = await untilOpen(ports, runName, signal);
  requireSameParts(name, record.parts, await bundleParts(bundle));
  return {
    scope: scopeOfRun(bundle, record),
    over: (until) => untilRunOver(ports, runName, record, until),
    async isOver() {
      const now = await readNamedRun(ports.store, runName);
      return now?.id !== record.id || isFinished(now);
    },
  };
}

/** The bundle's scope with the run's id, and what the run's source was written with. */
export function scopeOfRun(
  bundle: Bundle,
  { id, writerSchema }: Pick<RunRecord, 'id' | 'writerSchema'>,
): ServiceScope {
  const scope = scopeOf(bundle, id);
  if (writerSchema === null) return scope;
  return { ...scope, writerSchemas: [...scope.writerSchemas, writerSchema] };
}

async function untilOpen(
  { store, clock }: ServicePorts,
  runName: { readonly monitor: string; readonly name: string },
  signal: AbortSignal,
): Promise<RunRecord> {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const record = await readNamedRun(store, runName);
    if (record?.phase === 'open') return record;
    signal.throwIfAborted();
    if (clock.monotonicMs() - startedMs >= BEGIN_WAIT_MS) {
      const found = record === null ? 'there is none' : `it is ${record.phase}`;
      throw new CodedError(
        'configuration.invalid',
        `no run ${runName.name} of monitor ${runName.monitor} to take part in: ${found}; begin it with tidegauge replay --run ${runName.name}`,
      );
    }
    await clock.sleep(WATCH_INTERVAL_MS, signal);
  }
}
