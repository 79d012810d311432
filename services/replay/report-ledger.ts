/** The reports of one run as a comparison needs them: a digest of the whole, and no bins of the quiet. */
import { createHash } from 'node:crypto';
import { type Report, reportCodec } from '../core/message/report.ts';

export interface ReportEntry {
  /** Hex SHA-256 of its bytes without `sequence`. */
  readonly digest: string;
  /** The same without the shapes of drifts, which rest on windows before it. */
  readonly digestWithoutShapes: string;
  /** Bins only of columns that drift. */
  readonly report: Report;
}

export class ReportLedger {
  readonly #entries = new Map<string, ReportEntry>();

  /** A report may come any number of times. */
  take(report: Report): void {
    if (report.kind !== 'window') return;
    const key = placeOf(report);
    if (this.#entries.has(key)) return;
    this.#entries.set(key, {
      digest: digestOf(report),
      digestWithoutShapes: digestOf(withoutShapes(report)),
      report: withoutQuietBins(report),
    });
  }

  /** By window end, start, slide, baseline, slice and revision. */
  get entries(): ReadonlyMap<string, ReportEntry> {
    return this.#entries;
  }
}

export function withoutShapes(report: Report): Report {
  return { ...report, columns: report.columns.map((column) => ({ ...column, shape: null })) };
}

/** A run of months has millions of bins, and only those of a drift are looked at. */
export function withoutQuietBins(report: Report): Report {
  return {
    ...report,
    columns: report.columns.map((column) =>
      column.verdict === 'drift' ? column : { ...column, bins: [] },
    ),
  };
}

/** Sorts by the end of the window. */
function placeOf(report: Report): string {
  const { windowStartMs, windowEndMs, windowSlideMs, baseline, slice, revision } = report;
  const time = (ms: number) => String(ms).padStart(14, '0');
  const window = [time(windowEndMs), time(windowStartMs), time(windowSlideMs)];
  return JSON.stringify([...window, baseline, slice, revision]);
}

function digestOf(report: Report): string {
  return createHash('sha256')
    .update(reportCodec.encode({ ...report, sequence: 0 }))
    .digest('hex');
}
