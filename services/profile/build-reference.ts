/** The reference from what one pass has measured: the sketches of each column as what it turned out to be. */
import { calibrateColumn } from '../core/decision/calibration.ts';
import type { ColumnCalibration } from '../core/decision/column-calibration.ts';
import { poolCalibrations } from '../core/decision/pooled-calibration.ts';
import { parseBooleanText } from '../core/monitor/cell-text.ts';
import type { Reference, ReferenceColumns } from '../core/monitor/reference.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';
import type { ColumnPlan, ValueType } from './classify-column.ts';
import type { Reading } from './read-pass.ts';
import { readAs } from './sketch-pair.ts';

/** Fewer blocks than this say nothing about how the data hang together. */
const CALIBRATION_BLOCKS_MIN = 8;

export interface MeasuredColumn {
  readonly name: string;
  /** Position of its cell in a row. */
  readonly index: number;
  readonly plan: ColumnPlan;
}

export interface BuiltReference {
  readonly reference: Reference;
  /** What it lacks, one sentence each. */
  readonly notes: readonly string[];
}

/** `found`: all columns that an event has; those of the role `context` are not measured. */
export function buildReference(
  reading: Reading,
  found: readonly MeasuredColumn[],
  file: string,
): BuiltReference {
  const measured = found.filter(({ plan }) => plan.role !== 'context');
  const columns = new Map<string, ColumnSketch>();
  const calibrations = new Map<string, ColumnCalibration>();
  for (const { name, index, plan } of measured) {
    const whole = reading.measures[index]!.whole.side(plan.type);
    // Only what can no longer be judged by its categories is dropped, and that is context.
    if (whole === null) throw new Error(`profile: ${name} has no ${plan.type} sketch`);
    columns.set(name, finish(whole, plan.valueType));
    const calibration = calibrate(reading, index, plan);
    if (calibration !== null) calibrations.set(name, calibration);
  }
  const slices = buildSlices(reading, found, measured);
  const notes = reading.slices.isCut
    ? ['not every value of the slices could be kept: rare ones are in (other)']
    : [];
  const changed = new Set(
    [...slices.values()].flatMap((some) =>
      measured.filter(({ name }) => !some.has(name)).map(({ name }) => name),
    ),
  );
  for (const name of changed) {
    notes.push(`${name}: looked like another type at first, so the slices have no reference of it`);
  }
  const pooled = poolCalibrations(calibrations);
  return {
    reference: {
      rowCount: reading.rowCount,
      columns,
      slices,
      calibrations: pooled,
      sets: reading.sets.finish(found, { file, isOrdered: reading.blocks !== null }),
    },
    notes,
  };
}

function calibrate(
  { blocks }: Reading,
  index: number,
  { type, role, valueType }: ColumnPlan,
): ColumnCalibration | null {
  if (role === 'label') return null;
  const stretches = blocks?.blocksOf(index, type) ?? [];
  if (stretches.length < CALIBRATION_BLOCKS_MIN) return null;
  const calibration = calibrateColumn(stretches.map((block) => readAs(block, valueType)));
  return Object.keys(calibration.inflation).length === 0 ? null : calibration;
}

function buildSlices(
  { slices, measures }: Reading,
  found: readonly MeasuredColumn[],
  measured: readonly MeasuredColumn[],
): ReadonlyMap<string, ReferenceColumns> {
  const wanted = measured.map(({ index, plan }) => ({ index, type: plan.type }));
  const built = new Map<string, ReferenceColumns>();
  for (const { name, index, plan } of found) {
    if (measures[index]!.named !== 'slice') continue;
    for (const [value, sketches] of slices.slicesOf(index, readingOf(plan.valueType), wanted)) {
      const columns = new Map<string, ColumnSketch>();
      for (const [position, sketch] of sketches.entries()) {
        const column = measured[position]!;
        if (sketch !== null) columns.set(column.name, finish(sketch, column.plan.valueType));
      }
      built.set(`${name}=${value}`, columns);
    }
  }
  return built;
}

/** What a text of the file is as a value of the slice column. */
function readingOf(valueType: ValueType): (text: string) => string | null {
  if (valueType !== 'boolean') return (text) => text;
  return (text) => {
    const value = parseBooleanText(text);
    return value === null ? null : String(value);
  };
}

function finish(sketch: ColumnSketch, valueType: ValueType): ColumnSketch {
  if (sketch.kind === 'numeric') sketch.compact();
  return readAs(sketch, valueType);
}
