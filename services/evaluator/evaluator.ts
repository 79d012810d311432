/**
 * The evaluator's shell: reads panes, judges every window once all its partitions are sealed, writes
 * reports.
 *
 * **Every window is judged exactly once per slice and baseline, from every pane that was sealed in time.**
 */
import type { PaneSource } from '../core/message/pane.ts';
import { runTopics } from '../core/message/topics.ts';
import { eventColumns, predictionColumns } from '../core/monitor/measured-columns.ts';
import { measuredSets } from '../core/monitor/measured-sets.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createStatefulService } from '../platform/lifecycle/stateful-service.ts';
import { createEvaluatorEvents } from './events.ts';
import { rebuildFromPanes } from './rebuild.ts';
import { EvaluatorShard, type EvaluatorShardOptions } from './shard.ts';
import { restoreEvaluator } from './state.ts';

const NAME = 'evaluator';

export function createEvaluator(ports: ServicePorts, scope: ServiceScope): Component {
  const { bus, clock } = ports;
  const { monitor, run, reference } = scope;
  const topics = runTopics(monitor, run);
  const events = createEvaluatorEvents(ports.telemetry);
  const sets = measuredSets(monitor, reference);
  let partitionCount = 0;

  return createStatefulService({
    name: NAME,
    monitor: monitor.name,
    run,
    topics: [topics.panes],
    ...ports,
    prepare: async () => {
      partitionCount = await ensureRunTopics(bus, topics);
    },
    prepareBatch: async () => undefined,
    restore: (_assignment, entries) =>
      new EvaluatorShard(shardOptions(), restoreEvaluator(entries)),
    rebuild: async () => {
      const options = shardOptions();
      const restored = await rebuildFromPanes({ bus, topics, ...options });
      return { processor: new EvaluatorShard(options, restored), start: 'earliest' };
    },
  });

  function shardOptions(): EvaluatorShardOptions {
    const sources: readonly PaneSource[] =
      monitor.model === null ? ['events'] : ['events', 'predictions'];
    return {
      monitor: monitor.name,
      run,
      windows: monitor.windows,
      reviseMs: monitor.reviseMs,
      baselines: monitor.baselines,
      distances: monitor.distances,
      contributors: sources.flatMap((source) =>
        Array.from({ length: partitionCount }, (_, partition) => ({ source, partition })),
      ),
      columns: eventColumns(monitor),
      outputs: predictionColumns(monitor),
      sets,
      reference,
      countMin: monitor.countMin,
      falseAlarms: monitor.falseAlarms,
      reportsTopic: topics.reports,
      events,
      monotonicMs: () => clock.monotonicMs(),
    };
  }
}
