/** Whether the reference profile covers what the monitor judges. */
import type { Monitor } from '../../core/monitor/monitor.ts';
import type { Reference } from '../../core/monitor/reference.ts';
import { REFERENCE_FILE } from './monitor-file.ts';
import { suggestion } from './nearest.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

export function checkReference(monitor: Monitor, reference: Reference, list: ProblemList): void {
  const check = (at: DocumentPath, name: string, type: string): void => {
    const sketch = reference.columns.get(name);
    if (sketch === undefined) {
      const near = suggestion(name, [...reference.columns.keys()]);
      const message = `${REFERENCE_FILE} has no column ${name}, expected one to judge drift against (or drift: false)${near}`;
      list.add(at, message, 'key');
    } else if (sketch.kind !== type) {
      const message = `${REFERENCE_FILE} has column ${name} as ${sketch.kind}, expected ${type}`;
      list.add(at, message, 'key');
    }
  };
  for (const { name, type, threshold } of monitor.columns) {
    if (threshold !== null) check(['columns', name], name, type);
  }
  for (const { name, threshold } of monitor.model?.outputs ?? []) {
    if (threshold !== null) check(['model', 'outputs', name], name, 'numeric');
  }
}
