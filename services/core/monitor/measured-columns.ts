/**
 * Which columns of a monitor are measured where: features and external predictions on the valid
 * events, the model's outputs on the predictions.
 */
import type { ColumnType, DriftRule, Monitor } from './monitor.ts';

/** Of predictions, beside the monitor's slices, while versions of the model share the events: `model=4`. */
export const MODEL_SLICE = 'model';

/** The slice of the predictions that one version of the model answered. */
export function versionSlice(version: string): string {
  return `${MODEL_SLICE}=${version}`;
}

/** `null` where it is no such slice; only where the monitor has a model and no column of that name. */
export function versionOfSlice(slice: string): string | null {
  return slice.startsWith(`${MODEL_SLICE}=`) ? slice.slice(MODEL_SLICE.length + 1) : null;
}

export interface MeasuredColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** `null`: measured, not judged. */
  readonly drift: DriftRule | null;
}

export function eventColumns(
  monitor: Monitor,
): readonly (MeasuredColumn & { readonly cellIndex: number })[] {
  return monitor.columns.flatMap(({ name, type, role, drift }, cellIndex) =>
    role === 'feature' || role === 'prediction' ? [{ name, type, drift, cellIndex }] : [],
  );
}

export function predictionColumns(monitor: Monitor): readonly MeasuredColumn[] {
  return (monitor.model?.outputs ?? []).map(({ name, drift }) => ({
    name,
    type: 'numeric',
    drift,
  }));
}

/** Slice keys of one event, `column=value`; a missing value is a slice of its own, `column=`. */
export function createSliceKeys(
  monitor: Monitor,
): (cells: readonly (number | string | null)[]) => readonly string[] {
  const slices = monitor.slices.map((name) => ({
    name,
    cellIndex: monitor.columns.findIndex((column) => column.name === name),
  }));
  return (cells) => slices.map(({ name, cellIndex }) => `${name}=${cells[cellIndex] ?? ''}`);
}
