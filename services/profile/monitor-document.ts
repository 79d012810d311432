/**
 * monitor.yaml as the profile proposes it: text with comments, for a person to read and to change.
 *
 * Written line by line rather than through a YAML library, because the comments are half of it; a
 * test reads every document back through the loader of bundles.
 */
import { columnNameOf } from '../core/monitor/field-name.ts';
import { alarmText, missingText } from './explain.ts';
import type { ProfiledColumn, ProfileResult } from './profile.ts';
import type { DriftPlan } from './propose-drift.ts';

const THRESHOLD = 0.1;
const COMMENT_LENGTH_MAX = 100;

export function formatMonitorDocument(result: ProfileResult, name: string): string {
  const sections = [
    headSection(result, name),
    eventSection(result),
    columnsSection(result),
    ...(result.relations.length > 0 ? [relationsSection(result)] : []),
    ...(result.slices.length > 0 ? [slicesSection(result)] : []),
    ...(result.reference.sets.size > 0 ? [setsSection(result)] : []),
    judgementSection(result),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headSection({ file, rowCount, notes }: ProfileResult, name: string): string[] {
  return [
    `# Proposed by tidegauge profile from ${rowCount} rows of ${comment(baseName(file))}.`,
    '# Everything in it is a proposal: read it, change it, run tidegauge check.',
    ...notes.map((note) => `# - ${comment(note)}`),
    `monitor: ${scalar(name)}`,
  ];
}

function eventSection({ event, allowedLateness }: ProfileResult): string[] {
  const { id, eventTime } = event;
  const lateness = allowedLateness?.text ?? '1h';
  return [
    'event:',
    '  schema: event.avsc',
    ...(id.header === null ? ["  # The data names no id: the row's number serves."] : []),
    `  id: ${columnNameOf(id.path)}`,
    ...(eventTime.header === null
      ? ['  # The data names no event time: rows are one second apart from 2000-01-01T00:00:00Z.']
      : []),
    '  time:',
    `    path: ${columnNameOf(eventTime.path)}`,
    `    unit: ${eventTime.unit}`,
    '  # An event this much older than the newest one is still counted in its window.',
    `  allowedLateness: ${lateness}`,
  ];
}

function columnsSection({ columns, rowCount, drift }: ProfileResult): string[] {
  return [
    '# An event that breaks required, range or allowed goes to quarantine and is not measured, so the',
    '# ranges are wide: the values seen and once their whole spread on either side, though not past 0',
    '# where no value was, and without a bound (null) at the end of a long tail. Drift within them is',
    '# measured against reference.json.',
    'columns:',
    ...columns.flatMap((column) => columnLines(column, rowCount, drift)),
  ];
}

function columnLines(column: ProfiledColumn, rowCount: number, drift: DriftPlan): string[] {
  const { name, header, type, role, note, range, categories } = column;
  const lines = [`  ${scalar(name)}:`];
  if (header !== name) lines.push(`    # Column ${comment(JSON.stringify(header))} of the data.`);
  if (note !== null) lines.push(`    # ${comment(note)}`);
  lines.push(`    # ${missingText(column, rowCount)}`);
  lines.push(`    type: ${type}`);
  if (role !== 'feature') lines.push(`    role: ${role}`);
  if (isRequired(column)) lines.push('    required: true');
  if (range !== null) lines.push(`    range: [${range.minimum}, ${range.maximum}]`);
  if (role === 'feature' && categories !== null && categories.length > 0) {
    const allowed = categories.map((category) => JSON.stringify(category)).join(', ');
    if (allowed.length <= COMMENT_LENGTH_MAX) {
      lines.push(
        '    # A new value is measured as drift; with this it would be quarantined instead:',
      );
      lines.push(`    # allowed: [${comment(allowed)}]`);
    }
  }
  return [...lines, ...driftLines(drift, name)];
}

/** Nothing where the column is judged like all others. */
function driftLines({ columns, rowsPerWindow, countMin }: DriftPlan, name: string): string[] {
  const plan = columns.get(name);
  if (plan === undefined || plan.rule.kind === 'budget') return [];
  const { rule } = plan;
  const underBudget = [
    '    # Neighbouring rows are much alike, so that under the budget',
    `    # ${comment(`a window of ${rowsPerWindow} rows ${alarmText(plan)}.`)}`,
  ];
  if (rule.kind === 'unjudged') {
    return [
      ...underBudget,
      '    # It never falls: every window lies elsewhere, and is measured only.',
      '    drift: false',
    ];
  }
  const strays = `stretches of the data of ${countMin} rows and more lie up to ${rule.strayed.toFixed(2)} from the whole`;
  const isBelow = rule.strayed >= rule.threshold;
  return [
    ...underBudget,
    `    # Instead: ${strays}${isBelow ? ',' : '.'}`,
    ...(isBelow ? ['    # so that windows like those of the data itself alarm as well.'] : []),
    `    drift: { threshold: ${rule.threshold} }`,
  ];
}

/** Labels come later than the event, and context need not come at all. */
function isRequired({ role, missingCount, unreadableCount }: ProfiledColumn): boolean {
  const judged = role === 'feature' || role === 'prediction';
  return judged && missingCount === 0 && unreadableCount === 0;
}

/** As comments: a rule that quarantines would hide the drift that breaks it. */
function relationsSection({ relations }: ProfileResult): string[] {
  return [
    '# These held on every row with both values. As rules they quarantine the events that break them,',
    '# which are then not measured: take up those that must be true.',
    '# relations:',
    ...relations.flatMap(({ name, expression, rowCount }) => [
      `#   # held on ${rowCount} rows`,
      `#   ${scalar(name)}: ${expression}`,
    ]),
  ];
}

function slicesSection({ slices }: ProfileResult): string[] {
  return [
    '# Each value of these gets windows, and alerts, of its own besides the whole.',
    `slices: [${slices.map(scalar).join(', ')}]`,
  ];
}

function setsSection({ reference }: ProfileResult): string[] {
  const sets = [...reference.sets].map(([name, { specification }]) => {
    const columns = specification.columns.map((column) => scalar(column.name));
    return `  ${scalar(name)}: { columns: [${columns.join(', ')}] }`;
  });
  return [
    '# Measured together as well: how they hang together, and whether they move jointly.',
    'sets:',
    ...sets,
  ];
}

function judgementSection({ drift, window }: ProfileResult): string[] {
  const { max, per } = drift.falseAlarms;
  return [
    `# About ${drift.rowsPerWindow} rows of the data fall into one window.`,
    `windows: [${window.text}]`,
    '',
    'drift:',
    '  # How often the monitor may alarm with nothing drifting, all columns and slices together, at any',
    `  # window size: ${per === 'window' ? 'a share of the windows.' : 'so many alarms a month.'} A column may have a threshold of its own,`,
    '  # drift: { threshold: 0.2 }, or drift: false to measure without judging.',
    `  falseAlarms: { max: ${max}, per: ${per} }`,
    '  # A window with fewer events is not judged.',
    `  countMin: ${drift.countMin}`,
    '  # Or, instead of falseAlarms, fixed thresholds on the distance from the reference, 0 to 1:',
    "  # Kolmogorov-Smirnov for numeric columns, the largest change of one value's share for others.",
    '  # threshold:',
    `  #   numeric: ${THRESHOLD}`,
    `  #   categorical: ${THRESHOLD}`,
    '',
    'alerts:',
    '  - name: drift',
    '    forWindows: 1',
    '    resolveAfterWindows: 2',
    '    severity: warning',
  ];
}

/** Words that YAML reads as something else than text. */
const NOT_TEXT = /^(?:null|true|false|yes|no|on|off|y|n|[0-9][0-9_.eExXoO-]*)$/i;

/** A name of letters, digits, `_`, `-` and `.`. */
function scalar(name: string): string {
  return NOT_TEXT.test(name) ? JSON.stringify(name) : name;
}

/** One line of printable text, whatever the data holds. */
function comment(text: string): string {
  const line = text.replace(/[^\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\uf900-\ufffd]/g, '?');
  return line.length <= 2 * COMMENT_LENGTH_MAX ? line : `${line.slice(0, 2 * COMMENT_LENGTH_MAX)}…`;
}

function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
