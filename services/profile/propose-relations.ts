/**
 * Which of the relations that held on every row are worth proposing: few, and none that says nothing.
 *
 * A pair a ≤ b of columns that hardly overlap holds by itself. So the share of rows that would break
 * it if the two columns had nothing to do with each other is taken from their sketches, and only
 * where many rows should have broken it and none did is it a rule of the data.
 */
import type { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import type { HeldRelation } from './relation-survey.ts';

export interface ProposedRelation {
  readonly name: string;
  /** CEL over `event`. */
  readonly expression: string;
  /** Rows with both values, on all of which it held. */
  readonly rowCount: number;
}

export interface RelationColumn {
  readonly name: string;
  readonly sketch: NumericSketch;
  /** Columns of one or two values relate by what they code, not by size. */
  readonly distinctCount: number;
}

const PROPOSED_MAX = 5;
const ROWS_MIN = 100;
const DISTINCT_MIN = 3;
/** Rows that would break it by chance: at least so many, and such a share. */
const BROKEN_ROWS_MIN = 50;
const BROKEN_SHARE_MIN = 0.02;
const QUANTILES = Array.from({ length: 99 }, (_, index) => (index + 1) / 100);

interface Candidate extends HeldRelation {
  readonly brokenShare: number;
}

export function proposeRelations(
  held: readonly HeldRelation[],
  columns: ReadonlyMap<number, RelationColumn>,
): readonly ProposedRelation[] {
  const candidates = held.flatMap((relation): Candidate[] => {
    const lower = columns.get(relation.lower);
    const upper = columns.get(relation.upper);
    if (lower === undefined || upper === undefined || relation.rowCount < ROWS_MIN) return [];
    if (Math.min(lower.distinctCount, upper.distinctCount) < DISTINCT_MIN) return [];
    const brokenShare = shareAbove(lower.sketch, upper.sketch);
    const isSaying =
      brokenShare >= BROKEN_SHARE_MIN && brokenShare * relation.rowCount >= BROKEN_ROWS_MIN;
    return isSaying ? [{ ...relation, brokenShare }] : [];
  });
  return withoutImplied(withEqualsOnce(candidates))
    .sort((one, other) => other.brokenShare - one.brokenShare || one.lower - other.lower)
    .slice(0, PROPOSED_MAX)
    .map((candidate) => {
      const lower = columns.get(candidate.lower)!.name;
      const upper = columns.get(candidate.upper)!.name;
      const isEqual = has(candidates, candidate.upper, candidate.lower);
      return {
        name: relationName(lower, isEqual ? 'equals' : 'at-most', upper),
        expression: `${celPath(lower)} ${isEqual ? '==' : '<='} ${celPath(upper)}`,
        rowCount: candidate.rowCount,
      };
    });
}

/** Share of pairs drawn independently in which the first is above the second. */
function shareAbove(first: NumericSketch, second: NumericSketch): number {
  if (first.count === 0 || second.count === 0) return 0;
  const shares = QUANTILES.map((q) => second.cdf(first.quantile(q)));
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Columns that are always the same hold both ways: one of the two will do. */
function withEqualsOnce(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter(({ lower, upper }) => lower < upper || !has(candidates, upper, lower));
}

/** Without a ≤ c where a ≤ b and b ≤ c are there. */
function withoutImplied(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(
    ({ lower, upper }) =>
      !candidates.some((first) => first.lower === lower && has(candidates, first.upper, upper)),
  );
}

function has(candidates: readonly Candidate[], lower: number, upper: number): boolean {
  return candidates.some((each) => each.lower === lower && each.upper === upper);
}

/** Letters, digits, `.`, `-` and `_`, at most 100 characters. */
function relationName(lower: string, verb: string, upper: string): string {
  const part = (name: string) => name.replace(/[^A-Za-z0-9_.]/g, '-').slice(0, 40);
  return `${part(lower).replace(/^[^A-Za-z0-9]+/, 'x')}-${verb}-${part(upper)}`;
}

/** Words of CEL that cannot follow a dot. */
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

function celPath(name: string): string {
  return name
    .split('.')
    .reduce(
      (path, field) => (RESERVED.has(field) ? `${path}["${field}"]` : `${path}.${field}`),
      'event',
    );
}
