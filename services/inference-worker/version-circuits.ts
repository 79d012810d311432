/**
 * The circuits of the versions that answer events, one for each loading of a version: other files under
 * the same name are another model, and begin anew.
 *
 * A version that is withdrawn, or whose files were exchanged, takes its circuit with it: nobody is going
 * to try it, so an open one would stay open, and its alert firing, for ever. What is still on its way
 * through it says nothing any more.
 */
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { BatchFacts } from './batch-request.ts';
import { type Circuit, createCircuit, TRIAL_ROWS } from './circuit.ts';
import type { CircuitMove } from './circuit-alert.ts';
import type { ServedModel } from './served-model.ts';

/**
 * A deadline is noticed when it passes. Where it is noticed so much later this thread stood still, for a
 * collection of garbage or a machine that paused: every version would have missed it.
 */
const STALL_MS = 100;

export interface VersionCircuitsOptions {
  readonly spec: Pick<MonitorModel, 'circuit' | 'deadlineMs' | 'fallback'>;
  readonly clock: Clock;
  /** Circuits go by the wall clock, which a replay must not depend on. */
  readonly isLive: boolean;
  /** The plan in force. */
  plan(): RolloutPlan;
  served(version: string): ServedModel | null;
  onCircuit(version: string, state: CircuitMove['state'], nowMs: number): void;
}

export interface AnsweredRows {
  readonly batch: BatchFacts;
  readonly deadlineMs: number;
  readonly rows: number;
  readonly failedRows: number;
}

export interface VersionCircuits {
  /** Whether one more row may be asked; in a half-open circuit a `true` is a trial row taken. */
  allows(served: ServedModel): boolean;
  /** Rows that nobody answered; `lateMs`: so long after the deadline they failed by, 0: it was none. */
  failed(served: ServedModel, rows: number, lateMs?: number): void;
  /**
   * Rows that came back from a run, of which some have no usable answer. A run that took longer by itself
   * than its rows had counts as a few failed rows, however many it had, though its answers are used: one
   * pause of the machine is no reason to leave a version alone.
   */
  answered(served: ServedModel, rows: AnsweredRows): void;
  /** Ends the circuits of what answers events no more. */
  sweep(): void;
}

export function createVersionCircuits(options: VersionCircuitsOptions): VersionCircuits {
  const { spec, clock, isLive } = options;
  const { fallback } = spec;
  const circuits = new Map<ServedModel, Circuit>();
  let lastLongRun: BatchFacts | null = null;

  function circuitOf(served: ServedModel): Circuit {
    let circuit = circuits.get(served);
    if (circuit === undefined) {
      circuit = createCircuit(spec.circuit);
      circuits.set(served, circuit);
    }
    return circuit;
  }

  function isAsked(served: ServedModel): boolean {
    const { version } = served;
    if (options.served(version) !== served) return false;
    if (fallback?.kind === 'version' && fallback.version === version) return true;
    const { shadow, ...answering } = options.plan();
    return versionsOf({ ...answering, shadow: null }).includes(version);
  }

  function record(served: ServedModel, failedRows: number, okRows: number): void {
    if (!isLive || !isAsked(served)) return;
    const moved = circuitOf(served).record(failedRows, okRows, clock.monotonicMs());
    if (moved !== null) options.onCircuit(served.version, moved, clock.nowMs());
  }

  return {
    allows(served) {
      // Without a stand-in an open circuit would only refuse rows that the model might answer.
      const isLast = fallback?.kind === 'version' && fallback.version === served.version;
      if (!isLive || fallback === null || isLast) return true;
      return circuitOf(served).allows(clock.monotonicMs());
    },

    failed(served, rows, lateMs = 0) {
      if (lateMs <= STALL_MS) record(served, rows, 0);
    },

    answered(served, { batch, deadlineMs, rows, failedRows }) {
      const isLate = deadlineMs <= clock.monotonicMs() && batch.durationMs > spec.deadlineMs;
      if (!isLate) record(served, failedRows, rows - failedRows);
      else if (batch !== lastLongRun) {
        lastLongRun = batch;
        record(served, Math.min(batch.rows, TRIAL_ROWS), 0);
      }
    },

    sweep() {
      for (const [served, circuit] of circuits) {
        if (isAsked(served)) continue;
        circuits.delete(served);
        if (circuit.state(clock.monotonicMs()) === 'closed') continue;
        options.onCircuit(served.version, 'withdrawn', clock.nowMs());
      }
    },
  };
}
