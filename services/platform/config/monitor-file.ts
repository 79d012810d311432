/**
 * `monitor.yaml` as written, and the monitor it stands for: every default filled in, every duration
 * in milliseconds. What a field means is said once, in `schemas/monitor.schema.json`.
 */
import type {
  AlertRule,
  Column,
  ColumnRole,
  ColumnType,
  EventTimeUnit,
  FieldPath,
  Monitor,
  Topics,
} from '../../core/monitor/monitor.ts';
import { sortedPlans } from '../../core/monitor/windows.ts';
import type { Baseline } from '../../core/window/baseline.ts';
import {
  type DriftFile,
  type DriftSectionFile,
  durationMs,
  type SetFile,
  toBaselines,
  toColumnSets,
  toDriftRule,
  toWindowPlan,
  type UsualRules,
  usualRules,
  type WindowFile,
} from './drift-file.ts';
import { type Lists, type ModelFile, toModel } from './model-file.ts';

export interface ColumnFile {
  readonly path?: string;
  readonly type: ColumnType;
  readonly role?: ColumnRole;
  readonly required?: boolean;
  readonly range?: readonly [number | null, number | null];
  readonly allowed?: readonly (string | number | boolean)[];
  readonly pattern?: string;
  readonly drift?: DriftFile;
}

export interface MonitorFile {
  readonly monitor: string;
  readonly topics?: Partial<Topics>;
  readonly event: {
    readonly schema?: string;
    readonly id: string;
    readonly time: { readonly path: string; readonly unit?: EventTimeUnit };
    readonly allowedLateness?: string | number;
    readonly revise?: string | number;
    readonly futureSkew?: string | number;
    readonly idleTimeout?: string | number;
  };
  readonly columns: Readonly<Record<string, ColumnFile>>;
  readonly relations?: Readonly<Record<string, string>>;
  readonly slices?: readonly string[];
  readonly windows: readonly WindowFile[];
  readonly drift?: DriftSectionFile;
  readonly sets?: Readonly<Record<string, SetFile>>;
  readonly model?: ModelFile;
  readonly alerts?: readonly {
    readonly name: string;
    readonly columns?: readonly string[];
    readonly baselines?: readonly Baseline['kind'][];
    readonly forWindows?: number;
    readonly resolveAfterWindows?: number;
    readonly severity?: AlertRule['severity'];
  }[];
}

export const MONITOR_FILE = 'monitor.yaml';
export const EVENT_SCHEMA_FILE = 'event.avsc';
export const REFERENCE_FILE = 'reference.json';
/** Folder of writer schemas within the bundle; `<id>.avsc` serves a Confluent schema id. */
export const WRITER_SCHEMA_FOLDER = 'schemas';
/** A fixed threshold cannot know how far chance goes; a budget can, from a hundred events on. */
const COUNT_MIN = { threshold: 500, budget: 100 };

export function splitPath(path: string): FieldPath {
  return path.split('.');
}

/** A label and a context column are validated, never judged. */
export function isJudgedRole(role: ColumnRole | undefined): boolean {
  return role === undefined || role === 'feature' || role === 'prediction';
}

function toColumn(name: string, column: ColumnFile, usual: UsualRules): Column {
  return {
    name,
    path: splitPath(column.path ?? name),
    type: column.type,
    role: column.role ?? 'feature',
    required: column.required ?? false,
    minimum: column.range?.[0] ?? null,
    maximum: column.range?.[1] ?? null,
    allowed: column.allowed?.map(String) ?? null,
    pattern: column.pattern ?? null,
    drift: isJudgedRole(column.role) ? toDriftRule(column.drift, column.type, usual) : null,
  };
}

function toTopics(monitor: string, topics: Partial<Topics> | undefined): Topics {
  const name = (what: string) => `tidegauge.${monitor}.${what}`;
  return {
    events: name('events'),
    valid: name('valid'),
    quarantine: name('quarantine'),
    predictions: name('predictions'),
    shadow: name('shadow'),
    panes: name('panes'),
    reports: name('reports'),
    alerts: 'tidegauge.alerts',
    ...topics,
  };
}

const DEFAULT_ALERTS: NonNullable<MonitorFile['alerts']> = [{ name: 'drift' }];

/** `lists` holds the values of the model's list files, which somebody has read. */
export function toMonitor(file: MonitorFile, directory: string, lists: Lists = new Map()): Monitor {
  const { event } = file;
  const falseAlarms = file.drift?.falseAlarms ?? null;
  const usual = usualRules(file.drift);
  return {
    name: file.monitor,
    topics: toTopics(file.monitor, file.topics),
    id: splitPath(event.id),
    eventTime: { path: splitPath(event.time.path), unit: event.time.unit ?? 'ms' },
    allowedLatenessMs: durationMs(event.allowedLateness ?? '1m'),
    reviseMs: durationMs(event.revise ?? 0),
    futureSkewMs: durationMs(event.futureSkew ?? '10m'),
    idleTimeoutMs: durationMs(event.idleTimeout ?? '30s'),
    columns: Object.entries(file.columns).map(([name, column]) => toColumn(name, column, usual)),
    slices: file.slices ?? [],
    relations: Object.entries(file.relations ?? {}).map(([name, expression]) => ({
      name,
      expression,
    })),
    windows: sortedPlans(file.windows.map(toWindowPlan)),
    baselines: toBaselines(file.drift),
    distances: file.drift?.distances ?? [],
    sets: toColumnSets(file.sets, file.drift),
    countMin: file.drift?.countMin ?? COUNT_MIN[falseAlarms === null ? 'threshold' : 'budget'],
    falseAlarms,
    model: file.model === undefined ? null : toModel(file.model, { directory, usual, lists }),
    alertRules: (file.alerts ?? DEFAULT_ALERTS).map((rule) => ({
      name: rule.name,
      columns: rule.columns ?? null,
      baselines: rule.baselines ?? null,
      forWindows: rule.forWindows ?? 1,
      resolveAfterWindows: rule.resolveAfterWindows ?? 2,
      severity: rule.severity ?? 'warning',
    })),
  };
}
