/** A comparison of versions as lines for a person; `tidegauge rollout status` prints them. */
import { percent } from '../core/decision/percent.ts';
import { groupDigits } from './progress.ts';
import type {
  DurationSummary,
  OutputSummary,
  RolloutComparison,
  ShadowComparison,
  VersionComparison,
} from './rollout-comparison.ts';

export function rolloutComparisonText(comparison: RolloutComparison): readonly string[] {
  const { predictions, comparedWith, versions, fallbacks, shadows } = comparison;
  if (comparedWith === null) return ['no predictions yet: nothing to compare'];
  return [
    `the last ${groupDigits(predictions)} predictions, ks from version ${comparedWith}`,
    ...versions.flatMap(versionLines),
    ...shadows.flatMap(shadowLines),
    ...fallbacks.map(
      ({ reason, count, share }) => `fallback ${reason}: ${groupDigits(count)} (${percent(share)})`,
    ),
  ];
}

function versionLines({ version, count, variants, outputs, latencyMs }: VersionComparison) {
  const as = Object.entries(variants).map(([variant, part]) => `${part} as ${variant}`);
  return [
    `version ${version}: ${groupDigits(count)} (${as.join(', ')})`,
    ...outputs.map((output) => `  ${outputText(output)}`),
    `  latency ${durationText(latencyMs)}`,
  ];
}

function shadowLines({ version, count, outputs, disagreements, rowMs }: ShadowComparison) {
  return [
    `shadow ${version}: ${groupDigits(count)}`,
    ...outputs.map((output) => `  ${outputText(output)}`),
    ...disagreements.map(
      ({ name, share, differenceMean }) =>
        `  ${name} disagrees with what was answered in ${percent(share)}, by ${digits(differenceMean)} on average`,
    ),
    `  a row ${durationText(rowMs)}`,
  ];
}

function outputText({ name, mean, p5, p50, p95, ks }: OutputSummary): string {
  const quantiles = [p5, p50, p95].map(digits).join(' / ');
  return `${name}: mean ${digits(mean)}, p5 / p50 / p95 ${quantiles}, ks ${digits(ks)}`;
}

function durationText({ p50, p95, p99 }: DurationSummary): string {
  return `p50 / p95 / p99 ${[p50, p95, p99].map(digits).join(' / ')} ms`;
}

function digits(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}
