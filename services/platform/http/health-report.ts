/**
 * What `/livez` and `/readyz` say about a set of components. Restarting a process helps against
 * *failed* only, so liveness looks at nothing else; traffic needs all of them *ready*.
 */
import type { Component, Health } from '../lifecycle/component.ts';

export interface ComponentHealth extends Health {
  readonly name: string;
}

export interface HealthAnswer {
  readonly healthy: boolean;
  readonly body: {
    readonly status: string;
    /** For liveness the failed ones, for readiness all of them. */
    readonly components: readonly ComponentHealth[];
  };
}

export interface HealthReport {
  liveness(): HealthAnswer;
  readiness(): HealthAnswer;
}

export function createHealthReport(components: readonly Component[]): HealthReport {
  return {
    liveness() {
      const failed = components.map(healthOf).filter(({ status }) => status === 'failed');
      const healthy = failed.length === 0;
      return { healthy, body: { status: healthy ? 'live' : 'failed', components: failed } };
    },
    readiness() {
      const all = components.map(healthOf);
      const healthy = all.every(({ status }) => status === 'ready');
      return { healthy, body: { status: healthy ? 'ready' : 'not ready', components: all } };
    },
  };
}

/** A component that cannot even say how it is has failed. */
function healthOf(component: Component): ComponentHealth {
  try {
    const { status, reason } = component.health();
    return { name: component.name, status, reason };
  } catch (error) {
    return { name: component.name, status: 'failed', reason: `health check threw: ${error}` };
  }
}
