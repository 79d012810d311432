/**
 * A monitor as the pipeline uses it: `monitor.yaml` after parsing, with every default filled in and
 * every duration in milliseconds. Made by platform/config, trusted everywhere else.
 */

import type { FalseAlarms } from '../decision/budget.ts';

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
  readonly threshold: Threshold | null;
}

/**
 * What a column is held against: a fixed distance at and above which it drifts, whatever the window's
 * size, or the critical values of the monitor's false-alarm budget.
 */
export type Threshold = number | 'budget';

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
  readonly threshold: Threshold | null;
}

export interface ModelInput {
  /** The model's input tensor. */
  readonly tensor: string;
  /** Columns in the order of the row's elements. */
  readonly columns: readonly string[];
}

export interface MonitorModel {
  /** Absolute path of the ONNX file. */
  readonly file: string;
  readonly version: string;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelOutputColumn[];
  readonly batch: { readonly rowsMax: number; readonly lingerMsMax: number };
}

export interface AlertRule {
  readonly name: string;
  /** Columns it watches; `null` for all that are judged. */
  readonly columns: readonly string[] | null;
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
  /** How far an event time may run ahead of its record's own timestamp; 0: not checked. */
  readonly futureSkewMs: number;
  /** A silent partition stops holding windows back after this long, live only; 0: never. */
  readonly idleTimeoutMs: number;
  readonly columns: readonly Column[];
  /** Names of categorical columns; panes and reports are kept per value of each, besides the whole. */
  readonly slices: readonly string[];
  readonly relations: readonly Relation[];
  /** Tumbling windows, aligned to 2000-01-01T00:00:00Z; at least one, ascending, no two alike. */
  readonly windowLengthsMs: readonly number[];
  /** Events below which a window's verdict is `insufficient-data`. */
  readonly countMin: number;
  /** Shared by every column without a fixed threshold; `null` where each has one. */
  readonly falseAlarms: FalseAlarms | null;
  readonly model: MonitorModel | null;
  readonly alertRules: readonly AlertRule[];
}
