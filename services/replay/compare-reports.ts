/** Report by report: did a replay judge as the live run did? Pure. */
import type { CoveredTime } from './coverage.ts';
import { firstDifference } from './first-difference.ts';
import { type ReportEntry, type ReportLedger, withoutShapes } from './report-ledger.ts';
import { addDifference, EMPTY_TALLY, type Tally } from './tally.ts';

export function compareReports(options: {
  readonly live: ReportLedger;
  readonly run: ReportLedger;
  readonly covered: CoveredTime;
  /** How long after its end a window is judged once more. */
  readonly reviseMs: number;
}): Tally {
  const { live, run, covered, reviseMs } = options;
  const places = [...new Set([...live.entries.keys(), ...run.entries.keys()])].sort();
  let tally = EMPTY_TALLY;
  for (const place of places) {
    const left = live.entries.get(place);
    const right = run.entries.get(place);
    if (isCoveredReport((left ?? right)!, covered, reviseMs)) {
      tally = addReport(tally, left, right, covered.fromBeginning);
    }
  }
  return tally;
}

/** What a trailing or calendar baseline rests on lies before the window, so maybe before the range. */
function isCoveredReport(
  { report }: ReportEntry,
  { fromMs, throughMs, fromBeginning }: CoveredTime,
  reviseMs: number,
): boolean {
  const judgedMs = report.windowEndMs + (report.revision > 0 ? reviseMs : 0);
  if (report.windowStartMs < fromMs || judgedMs > throughMs) return false;
  return fromBeginning || report.baseline === 'reference';
}

function addReport(
  tally: Tally,
  live: ReportEntry | undefined,
  run: ReportEntry | undefined,
  withShapes: boolean,
): Tally {
  if (live === undefined) return addDifference(tally, 'onlyRun', `live has no ${describe(run!)}`);
  if (run === undefined)
    return addDifference(tally, 'onlyLive', `the replay has no ${describe(live)}`);
  const digest = withShapes ? 'digest' : 'digestWithoutShapes';
  if (live[digest] === run[digest]) return { ...tally, equal: tally.equal + 1 };
  return addDifference(
    tally,
    'different',
    `${describe(live)}: ${whatDiffers(live, run, withShapes)}`,
  );
}

function whatDiffers(live: ReportEntry, run: ReportEntry, withShapes: boolean): string {
  const plain = ({ report }: ReportEntry) => {
    const { columns, ...head } = withShapes ? report : withoutShapes(report);
    const byName = Object.fromEntries(columns.map((column) => [column.name, column]));
    return { ...head, sequence: 0, columns: byName };
  };
  const found = firstDifference(plain(live), plain(run));
  if (found === null) return 'bins of a column that does not drift';
  return `${found.path} is ${JSON.stringify(found.left)} live, ${JSON.stringify(found.right)} in the replay`;
}

function describe({ report }: ReportEntry): string {
  const { windowStartMs, windowEndMs, baseline, slice, revision } = report;
  const where = slice === '' ? '' : ` of ${slice}`;
  const again = revision === 0 ? '' : `, revision ${revision}`;
  return `report on ${new Date(windowStartMs).toISOString()} to ${new Date(windowEndMs).toISOString()}${where} against ${baseline}${again}`;
}
