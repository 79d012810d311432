/** What `tidegauge check` says about a bundle: every problem as a line, or that it is good. */
import { type LoadOptions, loadBundle } from './load-bundle.ts';
import { formatProblem, type Problem } from './problem.ts';

export interface BundleCheck {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** One line per problem and warning, `monitor.yaml:12:5: columns.age.range: …`. */
  readonly lines: readonly string[];
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) =>
      Number(a.file > b.file) - Number(a.file < b.file) || a.line - b.line || a.column - b.column,
  );
}

export async function checkBundle(directory: string, options?: LoadOptions): Promise<BundleCheck> {
  const result = await loadBundle(directory, options);
  const problems = result.ok ? [] : inOrder(result.problems);
  const warnings = result.ok ? inOrder(result.warnings) : [];
  const lines = [
    ...problems.map(formatProblem),
    ...warnings.map((warning) => `${formatProblem(warning)} (warning)`),
  ];
  return { ok: result.ok, problems, warnings, lines };
}
