/**
 * What `tidegauge score` did, in the two shapes it prints: JSON whose fields are a contract, and a page
 * for people. The predictions themselves are in the file.
 */
import { groupDigits } from './progress.ts';
import type { ScoreFormatName } from './score-format.ts';
import type { ScoreTally } from './score-tally.ts';

export interface ScoreRunFacts {
  readonly bundle: string;
  readonly data: string;
  /** `null`: standard output. */
  readonly out: string | null;
  readonly format: ScoreFormatName;
  readonly elapsedMs: number;
}

export function scoreJson(facts: ScoreRunFacts, tally: ScoreTally) {
  const { bundle, data, out, format, elapsedMs } = facts;
  const { rows, scored, fallback, suppressed, rejected, versions } = tally;
  return {
    ...{ bundle, data, out, format },
    ...{ rows, scored, fallback, suppressed, rejected },
    fallbackByCode: inCodeOrder(tally.fallbackByCode),
    rejectedByCode: inCodeOrder(tally.rejectedByCode),
    versions,
    elapsedMs: Math.round(elapsedMs),
    rowsPerSecond: elapsedMs > 0 ? Math.round((rows / elapsedMs) * 1_000) : 0,
  };
}

export type ScoreJson = ReturnType<typeof scoreJson>;

function inCodeOrder(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function scoreText(json: ScoreJson): string {
  const { elapsedMs, rowsPerSecond, out } = json;
  const pace = `in ${(elapsedMs / 1_000).toFixed(1)} s, ${groupDigits(rowsPerSecond)} a second`;
  const lines = [
    `rows         ${groupDigits(json.rows)}  ${pace}`,
    `scored       ${groupDigits(json.scored)}`,
    ...countLines('fallback', json.fallback, json.fallbackByCode),
    ...(json.suppressed === 0 ? [] : [`suppressed   ${groupDigits(json.suppressed)}`]),
    ...countLines('rejected', json.rejected, json.rejectedByCode),
    ...json.versions.map(
      ({ version, variant, rows }) => `version      ${version}  ${variant}  ${groupDigits(rows)}`,
    ),
    ...(out === null ? [] : [`wrote ${out}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function countLines(
  what: string,
  count: number,
  byCode: Readonly<Record<string, number>>,
): readonly string[] {
  if (count === 0) return [];
  return [
    `${what.padEnd(13)}${groupDigits(count)}`,
    ...Object.entries(byCode).map(([code, each]) => `  ${code.padEnd(26)}${groupDigits(each)}`),
  ];
}
