/**
 * A report: the verdict on one window of one slice, with the numbers it rests on.
 *
 * It holds event time only, so that a replay writes the same bytes as the live run.
 */
import type { BinReport } from '../decision/compared-bins.ts';
import { DRIFT_SHAPES, type DriftShape } from '../decision/drift-shape.ts';
import { createMessageCodec, type MessageCodec } from './message-codec.ts';
import { VERSION_REPORT_SCHEMA, type VersionReport } from './version-report.ts';

/**
 * `ok` and `drift` are judgements; `insufficient-data` (too few events) and `no-reference` (nothing
 * to compare with) are not, and neither raises nor resolves an alert.
 */
export type Verdict = 'ok' | 'drift' | 'insufficient-data' | 'no-reference';

export interface ColumnReport {
  readonly name: string;
  readonly type: 'numeric' | 'categorical' | 'set';
  /** Non-missing values in the window. */
  readonly count: number;
  readonly missingCount: number;
  /** By name, see core/distance: the one it is judged or shown by first, then those asked for. */
  readonly distances: Readonly<Record<string, number>>;
  /**
   * The first distance at and above which it drifts in a window of this size; under a false-alarm
   * budget other statistics may exceed theirs before. `null`: measured, not judged.
   */
  readonly threshold: number | null;
  readonly verdict: Verdict;
  /** What was tested; empty where nothing could be. */
  readonly statistics: readonly StatisticReport[];
  /** The statistic that exceeds its limits by most; `null` without drift. */
  readonly decisive: string | null;
  /** How the drift came about over the last windows; `null` without any. */
  readonly shape: DriftShape | null;
  /** Both sides, bin by bin; empty where there is nothing to compare. */
  readonly bins: readonly BinReport[];
  /** For a person. */
  readonly sentence: string;
}

export interface StatisticReport {
  readonly name: string;
  /** Standardised: z, Kolmogorov's λ or chi-square; the distance where the threshold is fixed. */
  readonly statistic: number;
  /** In the statistic's own unit, see services/core/decision/measurement.ts. */
  readonly effect: number;
  /** Effects below are not worth an alarm. */
  readonly effectMin: number;
  /** Of the statistic at this window's size; `null` where the threshold is fixed. */
  readonly criticalValue: number | null;
  readonly exceeds: boolean;
}

export interface Report {
  readonly id: string;
  readonly monitor: string;
  /** Without gaps, from 0. */
  readonly sequence: number;
  /** `end`: the run is over, no window. */
  readonly kind: 'window' | 'end';
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** From one window to the next; as long as the window where windows tumble. */
  readonly windowSlideMs: number;
  /** What the window was held against: `reference`, `trailing 4` windows, `calendar 4` weeks. */
  readonly baseline: string;
  /** `column=value`; empty for the whole. */
  readonly slice: string;
  /** 1: the window judged once more, with the events that came late; its id is the same. */
  readonly revision: number;
  readonly count: number;
  readonly verdict: Verdict;
  /** The false-alarm budget the verdict was reached under; empty where thresholds are fixed. */
  readonly budget: string;
  readonly columns: readonly ColumnReport[];
  /**
   * The versions of the model beside each other, while events are split among them: in the report of
   * the whole against the first baseline, empty in all others.
   */
  readonly versions: readonly VersionReport[];
}

/** Avro symbols hold no hyphen. */
const VERDICT_SYMBOLS = ['ok', 'drift', 'insufficient_data', 'no_reference'] as const;

export const REPORT_SCHEMA = {
  type: 'record',
  name: 'Report',
  namespace: 'tidegauge.v1',
  doc: 'The verdict on one window of one slice.',
  fields: [
    { name: 'id', type: 'string', doc: 'Hash of monitor, window, slice and baseline.' },
    { name: 'monitor', type: 'string' },
    { name: 'sequence', type: 'long', doc: 'Without gaps, from 0.' },
    { name: 'kind', type: { type: 'enum', name: 'ReportKind', symbols: ['window', 'end'] } },
    { name: 'windowStartMs', type: 'long', doc: 'Inclusive, event time.' },
    { name: 'windowEndMs', type: 'long', doc: 'Exclusive, event time.' },
    { name: 'windowSlideMs', type: 'long', doc: 'From one window to the next.' },
    { name: 'baseline', type: 'string', doc: 'reference, trailing <windows> or calendar <weeks>.' },
    { name: 'slice', type: 'string', doc: 'column=value; empty for the whole.' },
    { name: 'revision', type: 'int', doc: '1: judged once more, with the events that came late.' },
    { name: 'count', type: 'long', doc: 'Events in the window.' },
    { name: 'verdict', type: { type: 'enum', name: 'Verdict', symbols: VERDICT_SYMBOLS } },
    { name: 'budget', type: 'string', doc: 'False-alarm budget; empty: fixed thresholds.' },
    {
      name: 'columns',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'ColumnReport',
          fields: [
            { name: 'name', type: 'string' },
            {
              name: 'type',
              type: {
                type: 'enum',
                name: 'ColumnType',
                symbols: ['numeric', 'categorical', 'set'],
              },
            },
            { name: 'count', type: 'long', doc: 'Non-missing values in the window.' },
            { name: 'missingCount', type: 'long' },
            {
              name: 'distances',
              type: { type: 'map', values: 'double' },
              doc: 'By name: ks, l_infinity, psi and so on.',
            },
            { name: 'threshold', type: ['null', 'double'], doc: 'null: measured, not judged.' },
            { name: 'verdict', type: 'Verdict' },
            {
              name: 'statistics',
              type: {
                type: 'array',
                items: {
                  type: 'record',
                  name: 'StatisticReport',
                  fields: [
                    { name: 'name', type: 'string' },
                    { name: 'statistic', type: 'double', doc: 'z, lambda or chi-square.' },
                    { name: 'effect', type: 'double' },
                    { name: 'effectMin', type: 'double', doc: 'Less is not worth an alarm.' },
                    { name: 'criticalValue', type: ['null', 'double'], doc: 'At this size.' },
                    { name: 'exceeds', type: 'boolean' },
                  ],
                },
              },
            },
            { name: 'decisive', type: ['null', 'string'], doc: 'Exceeds its limits by most.' },
            {
              name: 'shape',
              type: ['null', { type: 'enum', name: 'DriftShape', symbols: DRIFT_SHAPES }],
              doc: 'How the drift came about over the last windows.',
            },
            {
              name: 'bins',
              type: {
                type: 'array',
                items: {
                  type: 'record',
                  name: 'BinReport',
                  fields: [
                    { name: 'label', type: 'string', doc: 'A range of values, or a category.' },
                    { name: 'referenceShare', type: 'double' },
                    { name: 'share', type: 'double', doc: 'In the window.' },
                    { name: 'contribution', type: 'double', doc: 'Share of the difference.' },
                  ],
                },
              },
            },
            { name: 'sentence', type: 'string', doc: 'For a person.' },
          ],
        },
      },
    },
    {
      name: 'versions',
      type: { type: 'array', items: VERSION_REPORT_SCHEMA },
      doc: 'Versions of the model that shared the events; of the whole, first baseline.',
    },
  ],
} as const;

type VerdictSymbol = (typeof VERDICT_SYMBOLS)[number];
type WireColumn = Omit<ColumnReport, 'verdict'> & { readonly verdict: VerdictSymbol };
type WireReport = Omit<Report, 'verdict' | 'columns'> & {
  readonly verdict: VerdictSymbol;
  readonly columns: readonly WireColumn[];
};

const wireCodec = createMessageCodec<WireReport>(REPORT_SCHEMA);

const toSymbol = (verdict: Verdict) => verdict.replace('-', '_') as VerdictSymbol;
const toVerdict = (symbol: VerdictSymbol) => symbol.replace('_', '-') as Verdict;

export const reportCodec: MessageCodec<Report> = {
  encode(report) {
    return wireCodec.encode({
      ...report,
      verdict: toSymbol(report.verdict),
      columns: report.columns.map((column) => ({ ...column, verdict: toSymbol(column.verdict) })),
    });
  },
  decode: (bytes) => fromWire(wireCodec.decode(bytes)),
  tryDecode(bytes) {
    const wire = wireCodec.tryDecode(bytes);
    return wire === null ? null : fromWire(wire);
  },
};

function fromWire(wire: WireReport): Report {
  return {
    ...wire,
    verdict: toVerdict(wire.verdict),
    columns: wire.columns.map((column) => ({ ...column, verdict: toVerdict(column.verdict) })),
  };
}
