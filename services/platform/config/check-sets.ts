/** Whether the sets of monitor.yaml have a name of their own and columns that can be measured together. */

import { suggestion } from '../../core/monitor/nearest.ts';
import { checkPriority } from './check-drift.ts';
import type { ColumnFile, MonitorFile } from './monitor-file.ts';
import type { ProblemList } from './problem.ts';

/** Why a column cannot be in a set, `null` where it can. */
function memberMistake({ type, role = 'feature' }: ColumnFile): string | null {
  if (type !== 'numeric') return `is ${type}, expected a numeric column`;
  return role === 'feature' ? null : `is a ${role}, expected a feature column`;
}

/** Who else goes by the name, `null` for nobody. */
function namesake(file: MonitorFile, name: string): string | null {
  if (Object.hasOwn(file.columns, name)) return 'a column';
  return Object.hasOwn(file.model?.outputs ?? {}, name) ? 'a model output' : null;
}

function checkMembers(
  file: MonitorFile,
  name: string,
  members: readonly string[],
  list: ProblemList,
): void {
  const possible = Object.entries(file.columns).flatMap(([each, column]) =>
    memberMistake(column) === null ? [each] : [],
  );
  for (const [index, member] of members.entries()) {
    const at = ['sets', name, 'columns', index];
    const column = Object.hasOwn(file.columns, member) ? file.columns[member] : undefined;
    if (column === undefined) {
      list.add(at, `there is no column ${member}${suggestion(member, possible)}`);
      continue;
    }
    const mistake = memberMistake(column);
    if (mistake !== null) list.add(at, `column ${member} ${mistake}`);
  }
}

export function checkSets(file: MonitorFile, list: ProblemList): void {
  for (const [name, { columns, drift }] of Object.entries(file.sets ?? {})) {
    const other = namesake(file, name);
    if (other !== null) {
      list.add(['sets', name], `${other} has this name too, expected another`, 'key');
    }
    checkMembers(file, name, columns, list);
    if (drift !== undefined && drift !== false) {
      checkPriority(file, ['sets', name, 'drift', 'priority'], list);
    }
  }
}
