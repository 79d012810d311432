/**
 * A monitor as the pipeline uses it: `monitor.yaml` after parsing, with every default filled in and
 * every duration in milliseconds. Made by platform/config, trusted everywhere else.
 */

import type { FalseAlarms } from '../decision/budget.ts';
import type { DistanceName } from '../distance/distances.ts';
import type { RolloutPlan } from '../rollout/rollout-plan.ts';
import type { Baseline } from '../window/baseline.ts';
import type { WindowPlan } from '../window/window-plan.ts';

/** Field names from the root of the event; `['applicant', 'age']` for `applicant.age`. */
export type FieldPath = readonly string[];

export type ColumnType = 'numeric' | 'categorical';

/**
 * `feature`: an input of the model. `prediction`: a model's output carried by the event itself (the
 * model is served elsewhere). `label` and `context` are validated but never judged for drift.
 */
export type ColumnRole = 'feature' | 'prediction' | 'label' | 'context';

export interface Column {
  readonly name: string;
  readonly path: FieldPath;
  readonly type: ColumnType;
  readonly role: ColumnRole;
  /** A missing value breaks the rule `invariant.required`. */
  readonly required: boolean;
  /** Inclusive; `null` for no bound. Numeric columns only. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  /** Categorical columns only; `null` for any. */
  readonly allowed: readonly string[] | null;
  /** ECMAScript regular expression, matched anywhere in the value; `null` for any. */
  readonly pattern: string | null;
  /** `null`: measured, not judged. */
  readonly drift: DriftRule | null;
}

/**
 * When a column drifts: where a change is worth an alarm and too improbable for the column's part of
 * the monitor's false-alarm budget, or at and above a fixed distance, whatever the window's size.
 */
export type DriftRule =
  | {
      readonly kind: 'budget';
      /** Part of the budget relative to other columns; 1 for an ordinary one. */
      readonly priority: number;
    }
  | {
      readonly kind: 'threshold';
      readonly distance: DistanceName;
      readonly threshold: number;
    };

/** By budget: a set has no fixed threshold. */
export type SetDriftRule = Extract<DriftRule, { readonly kind: 'budget' }>;

/** Numeric columns that are measured together as well: how they hang together, and move jointly. */
export interface ColumnSet {
  readonly name: string;
  /** Features; at least two. */
  readonly columns: readonly string[];
  /** `null`: measured, not judged. */
  readonly drift: SetDriftRule | null;
}

export interface Relation {
  readonly name: string;
  /** A CEL expression over `event`, true when the relation holds. */
  readonly expression: string;
}

export type EventTimeUnit = 's' | 'ms' | 'us' | 'iso8601';

export interface ModelOutputColumn {
  /** The column's name in predictions, panes and reports. */
  readonly name: string;
  /** The model's output tensor. */
  readonly tensor: string;
  /** Element of the row, 0 for a tensor of width 1. */
  readonly index: number;
  /** `null`: measured, not judged. */
  readonly drift: DriftRule | null;
}

export interface ModelInput {
  /** The model's input tensor. */
  readonly tensor: string;
  /** Columns in the order of the row's elements. */
  readonly columns: readonly string[];
}

/** What stands in where the chosen version gives no usable answer. */
export type Fallback =
  | { readonly kind: 'version'; readonly version: string }
  /** Aligned with `outputs`. */
  | { readonly kind: 'constant'; readonly outputs: readonly number[] }
  /** CEL expressions over `event` that give a number, aligned with `outputs`. */
  | { readonly kind: 'rule'; readonly expressions: readonly string[] };

/**
 * A rule after the model. `when` is a CEL expression over `event`, `output` (by name, as the policies
 * before have left it), `raw` (by name, what the model said) and `lists`; `null`: always.
 */
export interface Policy {
  readonly name: string;
  readonly when: string | null;
  readonly action:
    | { readonly kind: 'set'; readonly outputs: ReadonlyMap<string, number | string> }
    | {
        readonly kind: 'bounds';
        readonly bounds: ReadonlyMap<string, readonly [number | null, number | null]>;
      }
    /** The prediction is written and marked: nobody is to act on it. */
    | { readonly kind: 'suppress' };
}

export interface BatchLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** A batch is cut so that its predicted run stays within this. */
  readonly runMsMax: number;
}

export interface MonitorModel {
  /** Absolute path of the file of `version`; `null`: it lies in the models' folder like the others. */
  readonly file: string | null;
  /** Absolute path of the folder with a folder for each version. */
  readonly versionsDirectory: string;
  /** The primary version as declared; a rollout may have another one since. */
  readonly version: string;
  readonly rollout: RolloutPlan;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelOutputColumn[];
  readonly batch: BatchLimits;
  readonly runtime: {
    readonly placement: 'auto' | 'inline' | 'workers';
    readonly workerCount: number;
    /** Intra-op threads of one session. */
    readonly threadCount: number;
  };
  /** An event is answered within this of being read, live only; 0: no deadline. */
  readonly deadlineMs: number;
  /** `null`: what cannot be scored is quarantined. */
  readonly fallback: Fallback | null;
  readonly circuit: {
    /** Opens when this share of the last `rowCount` rows failed. */
    readonly failureShare: number;
    readonly rowCount: number;
    readonly openMs: number;
  };
  /** In the order they are applied. */
  readonly policies: readonly Policy[];
  /** Values of the list files by the name policies know them by. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** `null`: every event is scored. */
  readonly cache: { readonly entriesMax: number; readonly ttlMs: number } | null;
}

export interface AlertRule {
  readonly name: string;
  /** Columns it watches; `null` for all that are judged. */
  readonly columns: readonly string[] | null;
  /** Baselines it watches; `null` for all. */
  readonly baselines: readonly Baseline['kind'][] | null;
  /** Consecutive drifting windows before it fires. */
  readonly forWindows: number;
  /** Consecutive windows without drift before it resolves. */
  readonly resolveAfterWindows: number;
  readonly severity: 'critical' | 'warning' | 'info';
}

export interface Topics {
  /** The user's own topic. */
  readonly events: string;
  readonly valid: string;
  readonly quarantine: string;
  readonly predictions: string;
  /** What the shadow version would have said, beside what was said. */
  readonly shadow: string;
  readonly panes: string;
  readonly reports: string;
  readonly alerts: string;
}

export interface Monitor {
  readonly name: string;
  readonly topics: Topics;
  readonly id: FieldPath;
  readonly eventTime: { readonly path: FieldPath; readonly unit: EventTimeUnit };
  /** An event this much older than its partition's newest is still on time. */
  readonly allowedLatenessMs: number;
  /** How long after its end a window is judged once more with what came late; 0: never. */
  readonly reviseMs: number;
  /** How far an event time may run ahead of its record's own timestamp; 0: not checked. */
  readonly futureSkewMs: number;
  /** A silent partition stops holding windows back after this long, live only; 0: never. */
  readonly idleTimeoutMs: number;
  readonly columns: readonly Column[];
  /** Names of categorical columns; panes and reports are kept per value of each, besides the whole. */
  readonly slices: readonly string[];
  readonly relations: readonly Relation[];
  /** At least one, ascending by length, no two alike. */
  readonly windows: readonly WindowPlan[];
  /** What every window is held against, each by itself; at least one, no two alike. */
  readonly baselines: readonly Baseline[];
  /** Reported for every column they take, besides what it is judged by. */
  readonly distances: readonly DistanceName[];
  readonly sets: readonly ColumnSet[];
  /** Events below which a window's verdict is `insufficient-data`. */
  readonly countMin: number;
  /** Shared by every column that is judged by it; `null` where none is. */
  readonly falseAlarms: FalseAlarms | null;
  readonly model: MonitorModel | null;
  readonly alertRules: readonly AlertRule[];
}
