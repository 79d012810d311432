/**
 * One run from its first record to its summary: topics, services, observer, source, and the end.
 *
 * Rejects as soon as any service dies, with that service's reason; whatever happens, everything that
 * was started is stopped. Started again on the same bus and store it goes on where it stopped. What the
 * run leaves behind is the caller's to forget.
 */
import { STOP_DEADLINE_MS } from '../core/limits.ts';
import { replayTopicSpecs, runTopics } from '../core/message/topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../platform/lifecycle/supervise.ts';
import { FULL_PACE, type Pace } from '../replay/pace.ts';
import { createReplay } from '../replay/replay.ts';
import { type RunListener, RunObserver, type RunSummary } from '../replay/run-observer.ts';
import type { ReplaySource } from '../replay/source.ts';
import { createPipeline } from './pipeline.ts';

export interface RunOptions {
  readonly source: ReplaySource;
  readonly signal: AbortSignal;
  /** Default: full speed. */
  readonly pace?: Pace;
  /** Places of the source that are published. */
  readonly onProgress: (published: number) => void;
  readonly listener?: RunListener;
}

export async function executeRun(
  ports: ServicePorts,
  scope: ServiceScope,
  options: RunOptions,
): Promise<RunSummary> {
  const { source, onProgress, pace = FULL_PACE } = options;
  await ensureReplayTopics(ports, scope, source.spans.length);
  const replay = createReplay(ports, scope, { source, pace, onProgress });
  const components = [...createPipeline(ports, scope), replay];
  const observing = new AbortController();
  const stopObserving = () => observing.abort();
  options.signal.addEventListener('abort', stopObserving, { once: true });
  try {
    await startAll(components);
    const observed = new RunObserver(ports, scope, options.listener).observe(observing.signal);
    // A service that stops by itself has died; only a death may win this race.
    const deaths = components.map((component) => component.finished.then(() => observed));
    const summary = await Promise.race([observed, ...deaths]);
    options.signal.throwIfAborted();
    return summary;
  } finally {
    stopObserving();
    options.signal.removeEventListener('abort', stopObserving);
    await stopAll(components, STOP_DEADLINE_MS);
  }
}

/** The summary of a run that is over, from its topics alone. */
export async function observeRun(
  ports: ServicePorts,
  scope: ServiceScope,
  { signal, listener }: Pick<RunOptions, 'signal' | 'listener'>,
): Promise<RunSummary> {
  const summary = await new RunObserver(ports, scope, listener).observe(signal);
  signal.throwIfAborted();
  return summary;
}

/** Idempotent; a run that others take part in needs its topics before they come. */
export async function ensureReplayTopics(
  { bus }: Pick<ServicePorts, 'bus'>,
  { monitor, run }: Pick<ServiceScope, 'monitor' | 'run'>,
  partitionCount: number,
): Promise<void> {
  await bus.ensureTopics(replayTopicSpecs(runTopics(monitor, run), partitionCount));
}
