/**
 * What a run is printed as: one JSON object for machines, a page for people. The shape of the JSON is
 * a contract (README.md, "JSON"); times are ISO 8601, nothing in it depends on the wall clock.
 */
import type { Alert } from '../core/message/alert.ts';
import type { ColumnReport, Report } from '../core/message/report.ts';
import type { RunSummary } from '../replay/run-observer.ts';
import { groupDigits } from './progress.ts';

interface ColumnJson {
  readonly distances: Readonly<Record<string, number>>;
  readonly threshold: number | null;
  readonly verdict: string;
  readonly count: number;
  readonly missing: number;
  readonly statistics: ColumnReport['statistics'];
  readonly decisive: string | null;
  readonly shape: string | null;
  readonly bins: ColumnReport['bins'];
  readonly sentence: string;
}

interface SliceJson {
  /** 1: judged once more, with the events that came late. */
  readonly revision: number;
  readonly n: number;
  readonly verdict: string;
  readonly budget: string;
  readonly columns: Readonly<Record<string, ColumnJson>>;
}

interface WindowJson extends SliceJson {
  readonly start: string;
  readonly end: string;
  /** From one window to the next, milliseconds. */
  readonly slideMs: number;
  readonly baseline: string;
  /** By slice key, `channel=web`; only where the monitor has slices. */
  readonly slices?: Readonly<Record<string, SliceJson>>;
}

export interface RunResultJson {
  readonly events: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly quarantinedByRule: Readonly<Record<string, number>>;
  readonly predictions: number;
  readonly late: number;
  readonly windows: readonly WindowJson[];
  readonly alerts: readonly Alert[];
}

export function runResultJson(result: RunSummary): RunResultJson {
  const bySpan = new Map<string, Report[]>();
  for (const report of result.reports) {
    const { windowStartMs, windowEndMs, windowSlideMs, baseline } = report;
    const span = [windowStartMs, windowEndMs, windowSlideMs, baseline].join(':');
    bySpan.set(span, [...(bySpan.get(span) ?? []), report]);
  }
  return {
    events: result.published,
    valid: result.valid,
    quarantined: result.quarantined,
    quarantinedByRule: result.quarantinedByCode,
    predictions: result.predictions,
    late: result.late,
    windows: [...bySpan.values()].flatMap(windowJson),
    alerts: result.alerts,
  };
}

function windowJson(reports: readonly Report[]): WindowJson[] {
  const whole = reports.find((report) => report.slice === '');
  if (whole === undefined) return [];
  const slices = reports.filter((report) => report.slice !== '');
  return [
    {
      start: new Date(whole.windowStartMs).toISOString(),
      end: new Date(whole.windowEndMs).toISOString(),
      slideMs: whole.windowSlideMs,
      baseline: whole.baseline,
      ...sliceJson(whole),
      ...(slices.length === 0
        ? {}
        : {
            slices: Object.fromEntries(slices.map((report) => [report.slice, sliceJson(report)])),
          }),
    },
  ];
}

function sliceJson(report: Report): SliceJson {
  const columns = report.columns.map((column) => [column.name, columnJson(column)]);
  const { revision, count, verdict, budget } = report;
  return { revision, n: count, verdict, budget, columns: Object.fromEntries(columns) };
}

function columnJson(column: ColumnReport): ColumnJson {
  const { name: _, type: __, missingCount: missing, ...rest } = column;
  return { ...rest, missing };
}

/** The page for people: counts, windows with their farthest column, alerts. */
export function runResultText(result: RunResultJson): string {
  const lines = [
    `events       ${groupDigits(result.events)}`,
    `  valid        ${groupDigits(result.valid)}`,
    `  quarantined  ${groupDigits(result.quarantined)}`,
    ...brokenRules(result),
    `predictions  ${groupDigits(result.predictions)}`,
    `late         ${groupDigits(result.late)}`,
    '',
    `windows      ${result.windows.length}`,
    ...result.windows.map((window) => windowLine(window, showsBaseline(result))),
    '',
    ...distanceTable(result),
    '',
    result.alerts.length === 0 ? 'alerts       none' : `alerts       ${result.alerts.length}`,
    ...result.alerts.map(
      (alert) =>
        `  ${shortTime(alert.windowEnd)}  ${alert.state.padEnd(8)}  ${alert.rule}  ${alert.summary}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function brokenRules(result: RunResultJson): string[] {
  const rules = Object.entries(result.quarantinedByRule);
  return rules.map(([rule, count]) => `    ${rule.padEnd(22)}  ${groupDigits(count)}`);
}

/** 2026-03-02T03:15:00.000Z → 2026-03-02T03:15Z. */
export function shortTime(iso: string): string {
  return iso.replace(/:00\.000Z$|\.000Z$/, 'Z');
}

/** Where every window is held against the same, saying so on every line would be noise. */
function showsBaseline({ windows }: RunResultJson): boolean {
  return new Set(windows.map(({ baseline }) => baseline)).size > 1;
}

function windowLine(window: WindowJson, withBaseline: boolean): string {
  const farthest = Object.entries(window.columns)
    .flatMap(([name, column]) => {
      const [distance] = Object.entries(column.distances);
      return distance === undefined ? [] : [{ name, metric: distance[0], value: distance[1] }];
    })
    .sort((a, b) => b.value - a.value)[0];
  const detail =
    farthest === undefined
      ? ''
      : `farthest ${farthest.name} ${farthest.metric} ${farthest.value.toFixed(3)}`;
  const count = `n ${groupDigits(window.n)}`.padEnd(10);
  const baseline = withBaseline ? `${window.baseline.padEnd(12)} ` : '';
  const revised = window.revision > 0 ? '  revised' : '';
  return `  ${shortTime(window.start)} – ${shortTime(window.end)}  ${count} ${baseline}${window.verdict.padEnd(17)} ${detail}${revised}`;
}

interface DistanceRow {
  readonly baseline: string;
  readonly name: string;
  readonly metric: string;
  readonly values: number[];
  drifted: number;
  readonly threshold: number | null;
}

/** Per column the range of its distances over the windows that were judged, and how many drifted. */
function distanceTable(result: RunResultJson): string[] {
  const byColumn = new Map<string, DistanceRow>();
  for (const { baseline, columns } of result.windows) {
    for (const [name, column] of Object.entries(columns)) {
      const [distance] = Object.entries(column.distances);
      if (distance === undefined || column.verdict === 'insufficient-data') continue;
      const [metric, value] = distance;
      const { threshold } = column;
      const key = JSON.stringify([baseline, name]);
      const row = byColumn.get(key) ?? {
        baseline,
        name,
        metric,
        values: [],
        drifted: 0,
        threshold,
      };
      row.values.push(value);
      if (column.verdict === 'drift') row.drifted += 1;
      byColumn.set(key, row);
    }
  }
  const table = [...byColumn.values()];
  const baselineWidth = showsBaseline(result) ? 14 : 0;
  const width = Math.max(6, ...table.map(({ name }) => name.length));
  const header = `${'baseline'.slice(0, baselineWidth).padEnd(baselineWidth)}${'column'.padEnd(width)}  distance    threshold  least  most   drifting windows`;
  const rows = table.map(({ baseline, name, metric, values, drifted, threshold }) => {
    const range = `${Math.min(...values).toFixed(3)}  ${Math.max(...values).toFixed(3)}`;
    const against = baseline.slice(0, baselineWidth).padEnd(baselineWidth);
    return `${against}${name.padEnd(width)}  ${metric.padEnd(10)}  ${(threshold?.toFixed(3) ?? '–').padEnd(9)}  ${range}  ${drifted}`;
  });
  return [header, ...rows];
}
