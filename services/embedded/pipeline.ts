/**
 * All services of one monitor in one process: the same services, composed on whatever adapters the
 * caller gives. Order: downstream first, as they must start.
 */
import { createAlerting } from '../alerting/alerting.ts';
import { createDriftAggregator } from '../drift-aggregator/drift-aggregator.ts';
import { createEvaluator } from '../evaluator/evaluator.ts';
import { createInferenceWorker } from '../inference-worker/inference-worker.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createValidator } from '../validator/validator.ts';

export const SERVICES = {
  alerting: createAlerting,
  evaluator: createEvaluator,
  'drift-aggregator': createDriftAggregator,
  'inference-worker': createInferenceWorker,
  validator: createValidator,
} as const;

export type ServiceName = keyof typeof SERVICES;

/** A monitor without a model of its own has no inference-worker. */
export function createPipeline(ports: ServicePorts, scope: ServiceScope): readonly Component[] {
  return Object.entries(SERVICES)
    .filter(([name]) => name !== 'inference-worker' || scope.monitor.model !== null)
    .map(([, create]) => create(ports, scope));
}
