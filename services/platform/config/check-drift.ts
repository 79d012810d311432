/**
 * Whether what monitor.yaml says about drift can be computed and fits together: distances that take
 * the column, thresholds a distance can reach, priorities that have a budget to share, baselines.
 * Pure; every mistake is found, not only the first.
 */
import { DISTANCES, type DistanceName, distanceNamesFor } from '../../core/distance/distances.ts';
import type { ColumnType } from '../../core/monitor/monitor.ts';
import { type DriftFile, type FixedThresholdFile, toBaselines, toThreshold } from './drift-file.ts';
import { isJudgedRole, type MonitorFile } from './monitor-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

const TYPES: readonly ColumnType[] = ['numeric', 'categorical'];

function checkThreshold(
  written: number | FixedThresholdFile,
  type: ColumnType,
  at: DocumentPath,
  list: ProblemList,
): void {
  const { distance, threshold } = toThreshold(written, type);
  if (!takes(distance, type)) {
    const known = distanceNamesFor(type).join(', ');
    const message = `${distance} does not take ${type} columns, expected one of ${known}`;
    list.add([...at, 'distance'], message);
    return;
  }
  const [, most] = DISTANCES[distance].range;
  if (threshold <= most) return;
  list.add(
    typeof written === 'number' ? at : [...at, 'threshold'],
    `found ${threshold}, expected at most ${most}, the most that ${distance} can be`,
  );
}

function takes(distance: DistanceName, type: ColumnType): boolean {
  return DISTANCES[distance].kinds.includes(type);
}

/** `at`: where `priority` stands. */
export function checkPriority(file: MonitorFile, at: DocumentPath, list: ProblemList): void {
  if (file.drift?.falseAlarms !== undefined) return;
  list.add(at, 'a priority is a share of the false-alarm budget, expected drift.falseAlarms');
}

function checkRule(
  file: MonitorFile,
  { drift, type, at }: { drift: DriftFile | undefined; type: ColumnType; at: DocumentPath },
  list: ProblemList,
): void {
  if (drift === undefined || drift === false) return;
  if ('priority' in drift) checkPriority(file, [...at, 'priority'], list);
  else checkThreshold(drift, type, at, list);
}

function checkRules(file: MonitorFile, list: ProblemList): void {
  for (const type of TYPES) {
    const written = file.drift?.threshold?.[type];
    if (written !== undefined) checkThreshold(written, type, ['drift', 'threshold', type], list);
  }
  for (const [name, { drift, role, type }] of Object.entries(file.columns)) {
    const at = ['columns', name, 'drift'];
    if (isJudgedRole(role)) {
      checkRule(file, { drift, type, at }, list);
    } else if (drift !== undefined && drift !== false) {
      const what = 'priority' in drift ? 'priority' : 'threshold';
      list.add(at, `a ${role} column is never judged for drift, expected no ${what}`);
    }
  }
  for (const [name, { drift }] of Object.entries(file.model?.outputs ?? {})) {
    const at = ['model', 'outputs', name, 'drift'];
    checkRule(file, { drift, type: 'numeric', at }, list);
  }
}

function checkDistances(file: MonitorFile, list: ProblemList): void {
  const measured = Object.values(file.columns).filter(({ role }) => isJudgedRole(role));
  const types = new Set(measured.map(({ type }) => type));
  if (file.model !== undefined) types.add('numeric');
  for (const [index, name] of (file.drift?.distances ?? []).entries()) {
    if ([...types].some((type) => takes(name, type))) continue;
    const kinds = DISTANCES[name].kinds.join(' and ');
    list.add(
      ['drift', 'distances', index],
      `${name} takes ${kinds} columns, and the monitor measures none, expected another distance`,
    );
  }
}

function checkBaselines(file: MonitorFile, list: ProblemList): void {
  const kinds = toBaselines(file.drift).map(({ kind }) => kind);
  for (const [index, kind] of kinds.entries()) {
    if (kinds.indexOf(kind) === index) continue;
    const message = `another baseline is ${kind} too, expected one of a kind`;
    list.add(['drift', 'baselines', index], message);
  }
}

export function checkDrift(file: MonitorFile, list: ProblemList): void {
  checkBaselines(file, list);
  checkDistances(file, list);
  checkRules(file, list);
}
