/**
 * What must hold between the parts of one monitor.yaml and cannot be said in its JSON Schema.
 * Pure; every mistake is found, not only the first.
 */
import { EVENT_TIME_MS_MAX } from '../../core/limits.ts';
import { MODEL_SLICE } from '../../core/monitor/measured-columns.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import { windowsMistake } from '../../core/monitor/windows.ts';
import { planKey } from '../../core/window/window-plan.ts';
import { checkDrift } from './check-drift.ts';
import { checkModel } from './check-model.ts';
import { checkSets } from './check-sets.ts';
import { durationMs, toBaselines, toWindowPlan } from './drift-file.ts';
import { type MonitorFile, toMonitor } from './monitor-file.ts';
import { patternMistake } from './pattern.ts';
import type { ProblemList } from './problem.ts';

function checkColumns(file: MonitorFile, list: ProblemList): void {
  for (const [name, column] of Object.entries(file.columns)) {
    const at = ['columns', name];
    const [least, greatest] = column.range ?? [null, null];
    if (least !== null && greatest !== null && least > greatest) {
      list.add([...at, 'range'], `found ${least} to ${greatest}, expected the least value first`);
    }
    if (column.range !== undefined && least === null && greatest === null) {
      list.add([...at, 'range'], 'neither bound is given, expected at least one number');
    }
    if (column.pattern !== undefined) {
      const mistake = patternMistake(column.pattern);
      if (mistake !== null) list.add([...at, 'pattern'], mistake);
    }
  }
}

function checkTimes(file: MonitorFile, list: ProblemList): void {
  for (const key of ['allowedLateness', 'revise', 'futureSkew', 'idleTimeout'] as const) {
    const written = file.event[key];
    if (written !== undefined && durationMs(written) > EVENT_TIME_MS_MAX) {
      list.add(['event', key], `found ${written}, expected at most 130 years`);
    }
  }
}

/** A mistake of one window stands at it, one of several together at their list. */
function checkWindows(file: MonitorFile, list: ProblemList): void {
  const plans = file.windows.map(toWindowPlan);
  const mistakeOf = (windows: typeof plans) =>
    windowsMistake({
      windows,
      baselines: toBaselines(file.drift),
      allowedLatenessMs: durationMs(file.event.allowedLateness ?? '1m'),
      reviseMs: durationMs(file.event.revise ?? 0),
    });
  let alone = 0;
  for (const [index, plan] of plans.entries()) {
    const isAgain = plans.slice(0, index).some((earlier) => planKey(earlier) === planKey(plan));
    const mistake = isAgain ? 'the same window is given twice' : mistakeOf([plan]);
    if (mistake === null) continue;
    alone++;
    list.add(['windows', index], mistake);
  }
  const together = alone > 0 ? null : mistakeOf(plans);
  if (together !== null) list.add(['windows'], together);
}

function checkSlices(file: MonitorFile, list: ProblemList): void {
  for (const [index, name] of (file.slices ?? []).entries()) {
    const column = Object.hasOwn(file.columns, name) ? file.columns[name] : undefined;
    if (column === undefined) {
      const known = Object.keys(file.columns).filter(
        (each) => file.columns[each]?.type === 'categorical',
      );
      list.add(['slices', index], `there is no column ${name}${suggestion(name, known)}`);
    } else if (column.type !== 'categorical') {
      list.add(
        ['slices', index],
        `column ${name} is ${column.type}, expected a categorical column`,
      );
    } else if (name === MODEL_SLICE && file.model !== undefined) {
      const message = `found ${name}, by which the versions of the model are told apart, expected a column of another name`;
      list.add(['slices', index], message);
    }
  }
}

function checkTopics(file: MonitorFile, list: ProblemList): void {
  const { topics } = toMonitor(file, '/');
  const seen = new Map<string, string>();
  for (const [what, topic] of Object.entries(topics)) {
    const other = seen.get(topic);
    if (other === undefined) seen.set(topic, what);
    else {
      const at = Object.hasOwn(file.topics ?? {}, what) ? what : other;
      const twin = at === what ? other : what;
      list.add(
        ['topics', at],
        `${topic} is also the topic of ${twin}, expected a topic of its own`,
      );
    }
  }
}

function checkAlerts(file: MonitorFile, list: ProblemList): void {
  const monitor = toMonitor(file, '/');
  const judged = new Map(
    // A set with the name of a column is a mistake found elsewhere: here it is the column's.
    [...monitor.sets, ...monitor.columns, ...(monitor.model?.outputs ?? [])].map(
      ({ name, drift }) => [name, drift],
    ),
  );
  const kinds = monitor.baselines.map(({ kind }) => kind);
  const seen = new Set<string>();
  for (const [index, rule] of (file.alerts ?? []).entries()) {
    if (seen.has(rule.name)) {
      list.add(
        ['alerts', index, 'name'],
        `another rule is called ${rule.name}, expected a name of its own`,
      );
    }
    seen.add(rule.name);
    for (const [at, name] of (rule.columns ?? []).entries()) {
      const drift = judged.get(name);
      if (drift === undefined) {
        const near = suggestion(name, [...judged.keys()]);
        const message = `there is no column, output or set ${name}${near}`;
        list.add(['alerts', index, 'columns', at], message);
      } else if (drift === null) {
        list.add(['alerts', index, 'columns', at], `${name} is not judged for drift`);
      }
    }
    for (const [at, kind] of (rule.baselines ?? []).entries()) {
      if (kinds.includes(kind)) continue;
      const message = `drift.baselines has no ${kind}, expected one of ${kinds.join(', ')}`;
      list.add(['alerts', index, 'baselines', at], message);
    }
  }
}

export function checkMonitor(file: MonitorFile, list: ProblemList): void {
  checkTopics(file, list);
  checkTimes(file, list);
  checkColumns(file, list);
  checkSlices(file, list);
  checkWindows(file, list);
  checkDrift(file, list);
  checkSets(file, list);
  checkModel(file, list);
  checkAlerts(file, list);
}
