/**
 * One run from its first record to its summary: topics, services, observer, source, and the end.
 *
 * Rejects as soon as any service dies, with that service's reason; whatever happens, everything that
 * was started is stopped, and the run's state is forgotten.
 */
import { STOP_DEADLINE_MS } from '../core/limits.ts';
import { runTopics } from '../core/message/topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../platform/lifecycle/supervise.ts';
import { createReplay, type ReplaySource } from '../replay/replay.ts';
import { RunObserver, type RunSummary } from '../replay/run-observer.ts';
import { createPipeline } from './pipeline.ts';

export interface RunResult extends RunSummary {
  /** Records of the source. */
  readonly published: number;
}

export async function executeRun(
  ports: ServicePorts,
  scope: ServiceScope,
  options: {
    readonly source: ReplaySource;
    readonly signal: AbortSignal;
    readonly onProgress: (published: number) => void;
  },
): Promise<RunResult> {
  const { source, onProgress } = options;
  const { partitionCount } = source;
  const topics = runTopics(scope.monitor, scope.run);
  await ports.bus.ensureTopics([{ topic: topics.events, partitionCount }]);

  const services = createPipeline(ports, scope);
  const replay = createReplay(ports, scope, { source, onProgress });
  const components = [...services, replay];
  const observing = new AbortController();
  const stopObserving = () => observing.abort();
  options.signal.addEventListener('abort', stopObserving, { once: true });
  try {
    await startAll(components);
    const observed = new RunObserver(ports, scope).observe(observing.signal);
    // A service that stops by itself has died; only a death may win this race.
    const deaths = components.map((component) => component.finished.then(() => observed));
    const summary = await Promise.race([observed, ...deaths]);
    options.signal.throwIfAborted();
    return { ...summary, published: replay.published };
  } finally {
    stopObserving();
    options.signal.removeEventListener('abort', stopObserving);
    await stopAll(components, STOP_DEADLINE_MS);
    await ports.store.forgetRun(scope.run);
  }
}
