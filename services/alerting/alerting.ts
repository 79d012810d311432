/**
 * Alerting's shell: reads reports, keeps one state machine per series, writes alerts as CloudEvents.
 *
 * **Every transition is decided once; its alert may be written again after a crash, with the same id.**
 */
import { runTopics } from '../core/message/topics.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createStatefulService } from '../platform/lifecycle/stateful-service.ts';
import { createAlertingEvents } from './events.ts';
import { AlertingShard } from './shard.ts';
import { EMPTY_ALERTING, restoreAlerting } from './state.ts';

const NAME = 'alerting';

export function createAlerting(ports: ServicePorts, scope: ServiceScope): Component {
  const { monitor, run } = scope;
  const topics = runTopics(monitor, run);
  const events = createAlertingEvents(ports.telemetry);
  const shardOptions = { run, rules: monitor.alertRules, alertsTopic: topics.alerts, events };

  return createStatefulService({
    name: NAME,
    monitor: monitor.name,
    run,
    topics: [topics.reports],
    ...ports,
    prepare: async () => void (await ensureRunTopics(ports.bus, topics)),
    prepareBatch: async () => undefined,
    restore: (_assignment, entries) => new AlertingShard(shardOptions, restoreAlerting(entries)),
    rebuild: async (_assignment, { processedThrough }) => ({
      processor: new AlertingShard(shardOptions, {
        ...EMPTY_ALERTING,
        saidThrough: processedThrough,
      }),
      start: 'earliest',
    }),
  });
}
