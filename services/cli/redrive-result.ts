/**
 * What a redrive did or would do, in the two shapes the command prints: JSON whose fields are a
 * contract, and a page for people.
 */
import type { ErrorClass, ErrorCode } from '../core/errors.ts';
import type { RedriveResult } from '../redrive/redrive.ts';
import type { SkipCounts } from '../redrive/survey.ts';
import { groupDigits } from './progress.ts';
import { shortTime } from './run-result.ts';

interface RuleJson {
  readonly class: ErrorClass;
  readonly rule: ErrorCode;
  readonly stage: string;
  readonly count: number;
  readonly skipped: number;
  readonly oldest: string;
  readonly newest: string;
  readonly example: string;
  readonly wouldBeValid: number | null;
}

export interface RedriveJson {
  readonly dryRun: boolean;
  readonly end: RedriveResult['end'];
  readonly selected: number;
  readonly redriven: number;
  readonly recovered: number;
  readonly skipped: SkipCounts;
  readonly foreign: number;
  readonly wouldBeValid: number | null;
  readonly wouldBeRefused: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly byRule: readonly RuleJson[];
}

export function redriveJson(result: RedriveResult, dryRun: boolean): RedriveJson {
  const { end, selected, redriven, recovered, skipped, foreign } = result;
  const byRule = result.byRule.map(({ oldestMs, newestMs, wouldBeValid, ...row }) => ({
    ...row,
    oldest: new Date(oldestMs).toISOString(),
    newest: new Date(newestMs).toISOString(),
    wouldBeValid: dryRun ? wouldBeValid : null,
  }));
  return {
    ...{ dryRun, end, selected, redriven, recovered, skipped, foreign },
    wouldBeValid: dryRun ? byRule.reduce((sum, row) => sum + row.wouldBeValid!, 0) : null,
    wouldBeRefused: Object.fromEntries(result.wouldBeRefused),
    byRule,
  };
}

const SKIP_TEXT: Readonly<Record<keyof SkipCounts, string>> = {
  redriven: 'redriven before',
  repeated: 'the same refusal again',
  attempts: 'refused too often',
  tooLarge: 'longer than an event may be',
};

export function redriveText(json: RedriveJson): string {
  const lines = [
    ...ruleTable(json),
    '',
    `selected     ${groupDigits(json.selected)}`,
    ...Object.entries(json.skipped)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => {
        return `  skipped    ${groupDigits(count)}  ${SKIP_TEXT[reason as keyof SkipCounts]}`;
      }),
    ...(json.foreign === 0
      ? []
      : [`not ours     ${groupDigits(json.foreign)} records of the range, left alone`]),
    ...(json.dryRun ? trialLines(json) : [`redriven     ${groupDigits(json.redriven)}`]),
    ...(json.recovered === 0
      ? []
      : [`recovered    ${groupDigits(json.recovered)} that an interrupted redrive had announced`]),
  ];
  return `${lines.join('\n')}\n`;
}

function trialLines({ wouldBeValid, wouldBeRefused, byRule }: RedriveJson): string[] {
  const refused = Object.entries(wouldBeRefused);
  const refusedCount = refused.reduce((sum, [, count]) => sum + count, 0);
  const byModel = byRule
    .filter(({ stage }) => stage === 'inference-worker')
    .reduce((sum, row) => sum + row.wouldBeValid!, 0);
  return [
    `would be valid now          ${groupDigits(wouldBeValid!)}`,
    ...(byModel === 0
      ? []
      : [`  of them ${groupDigits(byModel)} were refused by the model, which was not tried`]),
    `would be refused again      ${groupDigits(refusedCount)}`,
    ...refused.map(([rule, count]) => `  ${rule.padEnd(26)}${groupDigits(count)}`),
    'dry run: nothing was written',
  ];
}

function ruleTable({ byRule }: RedriveJson): string[] {
  if (byRule.length === 0) return ['nothing in quarantine matches'];
  const header = ['rule', 'stage', 'count', 'skipped', 'oldest', 'newest', 'example'];
  const rows = byRule.map((row) => [
    row.rule,
    row.stage,
    groupDigits(row.count),
    groupDigits(row.skipped),
    shortTime(row.oldest),
    shortTime(row.newest),
    // Whoever writes to the topic chooses it: nothing in it may reach the terminal as a command.
    row.example.replace(/\p{Cc}+/gu, ' '),
  ]);
  const table = [header, ...rows];
  const widths = header.map((_, index) => Math.max(...table.map((cells) => cells[index]!.length)));
  return table.map((cells) =>
    cells.map((cell, index) => cell.padEnd(index === 6 ? 0 : widths[index]!)).join('  '),
  );
}
