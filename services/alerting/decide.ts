/**
 * The decision of alerting, pure: one state machine per series (rule, monitor, column, slice, window
 * plan, baseline), fed with one column's verdict per window.
 *
 *     quiet ──drift──▶ pending ──forWindows in a row──▶ firing ──resolveAfterWindows without──▶ quiet
 *
 * A verdict that is no judgement (`insufficient-data`, `no-reference`) changes nothing: missing data
 * is neither drift nor recovery.
 */
import type { Verdict } from '../core/message/report.ts';

export interface SeriesState {
  readonly phase: 'quiet' | 'firing';
  /** Drifting windows in a row while quiet, windows without drift in a row while firing. */
  readonly streak: number;
  /** Start of the first window of the current drift; `null` while there is none. */
  readonly driftStartMs: number | null;
}

export const QUIET: SeriesState = { phase: 'quiet', streak: 0, driftStartMs: null };

export interface RuleThresholds {
  readonly forWindows: number;
  readonly resolveAfterWindows: number;
}

export type Decision =
  | {
      readonly kind: 'nothing';
      readonly reason: 'quiet' | 'pending' | 'firing' | 'no-judgement';
      readonly state: SeriesState;
    }
  | { readonly kind: 'fire'; readonly driftStartMs: number; readonly state: SeriesState }
  | { readonly kind: 'resolve'; readonly driftStartMs: number; readonly state: SeriesState };

export function decide(
  state: SeriesState,
  window: { readonly verdict: Verdict; readonly startMs: number },
  rule: RuleThresholds,
): Decision {
  if (window.verdict === 'insufficient-data' || window.verdict === 'no-reference') {
    return { kind: 'nothing', reason: 'no-judgement', state };
  }
  const drifting = window.verdict === 'drift';
  return state.phase === 'quiet'
    ? decideQuiet(state, { drifting, startMs: window.startMs }, rule)
    : decideFiring(state, drifting, rule);
}

function decideQuiet(
  state: SeriesState,
  window: { readonly drifting: boolean; readonly startMs: number },
  rule: RuleThresholds,
): Decision {
  if (!window.drifting) return { kind: 'nothing', reason: 'quiet', state: QUIET };
  const driftStartMs = state.driftStartMs ?? window.startMs;
  const streak = state.streak + 1;
  if (streak < rule.forWindows) {
    return { kind: 'nothing', reason: 'pending', state: { phase: 'quiet', streak, driftStartMs } };
  }
  return { kind: 'fire', driftStartMs, state: { phase: 'firing', streak: 0, driftStartMs } };
}

function decideFiring(state: SeriesState, drifting: boolean, rule: RuleThresholds): Decision {
  if (drifting) return { kind: 'nothing', reason: 'firing', state: { ...state, streak: 0 } };
  const streak = state.streak + 1;
  if (streak < rule.resolveAfterWindows) {
    return { kind: 'nothing', reason: 'firing', state: { ...state, streak } };
  }
  return { kind: 'resolve', driftStartMs: state.driftStartMs ?? 0, state: QUIET };
}
