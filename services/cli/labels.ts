/**
 * The labels file of a replay: which events have a label. Quality metrics are not computed from them
 * yet; what is said is the coverage, which is what any quality metric would rest on.
 */
import { CodedError } from '../core/errors.ts';
import { columnNameOf } from '../core/monitor/field-name.ts';
import type { FieldPath, Monitor } from '../core/monitor/monitor.ts';
import { openDataset } from '../platform/dataset/open-dataset.ts';
import { groupDigits } from './progress.ts';

export interface LabelCoverage {
  see(event: Readonly<Record<string, unknown>>): void;
  counts(): { readonly rows: number; readonly matched: number; readonly unlabelledEvents: number };
  text(): string;
}

export async function openLabels(file: string, monitor: Monitor): Promise<LabelCoverage> {
  const idColumn = columnNameOf(monitor.id);
  const ids = await readIds(file, idColumn);
  let matched = 0;
  let unlabelledEvents = 0;
  const counts = () => ({ rows: ids.size, matched, unlabelledEvents });
  return {
    see(event) {
      if (ids.has(String(valueAt(event, monitor.id)))) matched += 1;
      else unlabelledEvents += 1;
    },
    counts,
    text: () =>
      `labels       ${groupDigits(ids.size)}, of ${groupDigits(matched)} events; ${groupDigits(unlabelledEvents)} events without\n`,
  };
}

async function readIds(file: string, idColumn: string): Promise<ReadonlySet<string>> {
  const dataset = await openDataset(file);
  try {
    if (dataset.kind !== 'table') {
      throw new CodedError('configuration.invalid', `${file}: labels are read from CSV or Parquet`);
    }
    const at = dataset.columns.indexOf(idColumn);
    if (at < 0) {
      throw new CodedError(
        'configuration.invalid',
        `${file}: no column "${idColumn}", which is the id of the monitor; found ${dataset.columns.join(', ')}`,
      );
    }
    const ids = new Set<string>();
    for await (const batch of dataset.rows()) {
      for (const { cells } of batch) ids.add(String(cells[at]));
    }
    return ids;
  } finally {
    await dataset.close();
  }
}

function valueAt(event: Readonly<Record<string, unknown>>, path: FieldPath): unknown {
  let value: unknown = event;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  return value;
}
