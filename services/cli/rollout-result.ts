/** A rollout in the two shapes the command prints: JSON whose fields are a contract, and a page for people. */
import type { RolloutChange, RolloutFile } from '../core/rollout/rollout-file.ts';
import type { Variant } from '../core/rollout/rollout-plan.ts';
import type { RolloutComparison } from './rollout-comparison.ts';
import { rolloutComparisonText } from './rollout-comparison-text.ts';

export interface RoleJson {
  readonly role: Variant;
  readonly version: string;
  /** Of the events, as the plan says; `null`: answers none of its own. */
  readonly share: number | null;
}

export interface VersionJson {
  readonly version: string;
  /** `null`: nothing that could be a version. */
  readonly kind: 'onnx' | 'ensemble' | null;
  /** SHA-256 of the model, hex; `null`: it could not be loaded or was refused. */
  readonly digest: string | null;
  /** `null`: refused. */
  readonly golden: 'verified' | 'absent' | null;
  /** Why it is refused; empty where it is not. */
  readonly reason: string;
}

export interface RolloutJson {
  readonly action: string;
  /** What was changed, as the history has it; `null`: nothing. */
  readonly change: string | null;
  readonly source: 'monitor.yaml' | 'rollout.json';
  /** The primary that monitor.yaml declares. */
  readonly declaredPrimary: string;
  readonly plan: readonly RoleJson[];
  readonly previous: string | null;
  readonly history: readonly RolloutChange[];
  /** Of `status` only. */
  readonly versions?: readonly VersionJson[];
  /** Of `status` with `--brokers` only. */
  readonly comparison?: RolloutComparison;
}

export function rolloutJson(
  result: {
    readonly action: string;
    readonly plan: RolloutFile;
    /** By monitor.yaml: there is no rollout.json. */
    readonly isDeclared: boolean;
    readonly declaredPrimary: string;
    readonly fallback: string | null;
  },
  versions: readonly VersionJson[] | null,
): RolloutJson {
  const { action, plan: file, isDeclared, declaredPrimary, fallback } = result;
  const others: RoleJson[] = file.canary === null ? [] : [{ role: 'canary', ...file.canary }];
  others.push(...file.ab.map((arm): RoleJson => ({ role: 'ab', ...arm })));
  const share = rounded(1 - others.reduce((sum, each) => sum + (each.share ?? 0), 0));
  const plan: RoleJson[] = [{ role: 'primary', version: file.primary, share }, ...others];
  if (file.shadow !== null) plan.push({ role: 'shadow', version: file.shadow, share: null });
  if (fallback !== null) plan.push({ role: 'fallback', version: fallback, share: null });
  return {
    action,
    change: action === 'status' ? null : (file.history.at(-1)?.change ?? null),
    source: isDeclared ? 'monitor.yaml' : 'rollout.json',
    declaredPrimary,
    plan,
    previous: file.previous,
    history: file.history,
    ...(versions === null ? {} : { versions }),
  };
}

/** Shares are decimal fractions: what subtracting them leaves is one too. */
function rounded(share: number): number {
  return Math.max(0, Number(share.toFixed(9)));
}

export function rolloutText(json: RolloutJson): string {
  const { change, source, declaredPrimary, plan, previous, history, versions } = json;
  const rows = plan.map(({ role, version, share }) => [
    role,
    version,
    share === null ? '' : `${Number((100 * share).toPrecision(6))}%`,
  ]);
  if (previous !== null) rows.push(['previous', previous, '']);
  const lines = [
    ...(change === null ? [] : [change]),
    `plan of ${source}${source === 'rollout.json' ? `; monitor.yaml declares ${declaredPrimary}` : ''}`,
    ...table(rows),
  ];
  if (versions !== undefined) {
    const cells = versions.map(({ version, kind, digest, golden, reason }) => [
      version,
      kind ?? '',
      digest?.slice(0, 12) ?? '',
      golden === null ? `refused: ${reason}` : `golden ${golden}`,
    ]);
    lines.push('versions', ...table(cells));
    if (history.length > 0) lines.push('history');
    lines.push(...table(history.map(({ at, change: what, by }) => [at, by ?? '', what])));
  }
  if (json.comparison !== undefined) lines.push(...rolloutComparisonText(json.comparison));
  return `${lines.join('\n')}\n`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths =
    rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]!.length))) ?? [];
  return rows.map((row) => {
    const cells = row.map((cell, index) => cell.padEnd(widths[index]!));
    return `  ${cells.join('  ').trimEnd()}`;
  });
}
