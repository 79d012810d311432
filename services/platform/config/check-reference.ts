/** Whether the reference profile covers what the monitor judges, and the sets it measures. */
import { setMistake } from '../../core/monitor/measured-sets.ts';
import type { Monitor } from '../../core/monitor/monitor.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import type { Reference } from '../../core/monitor/reference.ts';
import { REFERENCE_FILE } from './monitor-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

export function hasReferenceBaseline({ baselines }: Pick<Monitor, 'baselines'>): boolean {
  return baselines.some(({ kind }) => kind === 'reference');
}

export function checkReference(monitor: Monitor, reference: Reference, list: ProblemList): void {
  // Without it as a baseline only calibrations are taken from it, and those can do without.
  const isBaseline = hasReferenceBaseline(monitor);
  const check = (at: DocumentPath, name: string, type: string): void => {
    const sketch = reference.columns.get(name);
    if (sketch === undefined && !isBaseline) return;
    if (sketch === undefined) {
      const near = suggestion(name, [...reference.columns.keys()]);
      const message = `${REFERENCE_FILE} has no column ${name}, expected one to judge drift against (or drift: false)${near}`;
      list.add(at, message, 'key');
    } else if (sketch.kind !== type) {
      const message = `${REFERENCE_FILE} has column ${name} as ${sketch.kind}, expected ${type}`;
      list.add(at, message, 'key');
    }
  };
  for (const { name, type, drift } of monitor.columns) {
    if (drift !== null) check(['columns', name], name, type);
  }
  for (const { name, drift } of monitor.model?.outputs ?? []) {
    if (drift !== null) check(['model', 'outputs', name], name, 'numeric');
  }
  // Sets are measured by what the reference says of them, so they need it whatever the baselines.
  for (const set of monitor.sets) {
    const mistake = setMistake(set, reference.sets.get(set.name) ?? null);
    if (mistake !== null) list.add(['sets', set.name], `${REFERENCE_FILE} ${mistake}`, 'key');
  }
}
