/**
 * What `--compare` prints: a section of the JSON, which is a contract (README.md, "JSON that a
 * comparison adds"), and a page for people with the alerts of both sides side by side.
 */
import type { AlertPair } from '../replay/compare-alerts.ts';
import type { LiveComparison } from '../replay/compare-live.ts';
import { comparedCount, type Tally } from '../replay/tally.ts';
import { shortTime } from './run-result.ts';

interface TallyJson {
  readonly compared: number;
  readonly equal: number;
  readonly different: number;
  readonly onlyLive: number;
  readonly onlyRun: number;
}

export interface ComparedJson {
  readonly comparison: {
    /** `live`, or the folder of the second bundle. */
    readonly with: string;
    /** Of panes and reports; two bundles have no such verdict. */
    readonly equal?: boolean;
    readonly panes?: TallyJson;
    readonly sha256?: { readonly live: string; readonly run: string };
    readonly reports?: TallyJson;
    readonly firstDifference?: string | null;
  };
  readonly alertsCompared: readonly AlertPairJson[];
}

interface AlertPairJson extends Omit<AlertPair, 'windowEnd'> {
  /** End of the window. */
  readonly window: string;
}

/** Left is live, right the replay. */
export function liveComparisonJson(compared: LiveComparison): ComparedJson {
  const { equal, panes, reports, sha256, firstDifference, alerts } = compared;
  return {
    comparison: {
      with: 'live',
      equal,
      panes: tallyJson(panes),
      sha256,
      reports: tallyJson(reports),
      firstDifference,
    },
    alertsCompared: alerts.map(pairJson),
  };
}

/** Left is the first bundle, right the second. */
export function bundleComparisonJson(folder: string, pairs: readonly AlertPair[]): ComparedJson {
  return { comparison: { with: folder }, alertsCompared: pairs.map(pairJson) };
}

function tallyJson(tally: Tally): TallyJson {
  const { equal, different, onlyLive, onlyRun } = tally;
  return { compared: comparedCount(tally), equal, different, onlyLive, onlyRun };
}

function pairJson({ windowEnd, ...rest }: AlertPair): AlertPairJson {
  return { window: windowEnd, ...rest };
}

export function comparisonText({ comparison, alertsCompared }: ComparedJson): string {
  const { with: other, panes, reports, sha256, firstDifference } = comparison;
  const isLive = panes !== undefined && reports !== undefined && sha256 !== undefined;
  const tallies = isLive
    ? [
        `  panes        ${tallyText(panes)}`,
        `    live       sha256 ${sha256.live}`,
        `    this       sha256 ${sha256.run}`,
        `  reports      ${tallyText(reports)}`,
        `  ${firstDifference == null ? 'no difference' : `first difference: ${firstDifference}`}`,
      ]
    : [];
  const sides = isLive ? ['live', 'this bundle'] : ['this bundle', other];
  const lines = [
    '',
    `compared with ${other}`,
    ...tallies,
    '',
    ...alertTable(alertsCompared, sides),
  ];
  return `${lines.join('\n')}\n`;
}

function tallyText({ compared, equal, different, onlyLive, onlyRun }: TallyJson): string {
  return `${compared} compared, ${equal} equal, ${different} different, ${onlyLive} only live, ${onlyRun} only here`;
}

function alertTable(pairs: readonly AlertPairJson[], sides: readonly string[]): string[] {
  if (pairs.length === 0) return ['alerts         none on either side'];
  const cells = pairs.map((pair) => [
    shortTime(pair.window),
    pair.rule,
    pair.slice === '' ? pair.column : `${pair.column}{${pair.slice}}`,
    pair.baseline,
    pair.left ?? '–',
    pair.right ?? '–',
  ]);
  const rows = [['window end', 'rule', 'column', 'baseline', ...sides], ...cells];
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}
