/** Everything that is wrong, counted by kind, with the first few of each in words. */
const EXAMPLES_MAX = 5;

export type ProblemKind =
  | 'lost'
  | 'counted twice'
  | 'conflict'
  | 'gap'
  | 'order'
  | 'foreign'
  | 'verdict'
  | 'replay'
  | 'recovery'
  | 'drain'
  | 'memory'
  | 'run';

export interface ProblemSummary {
  readonly kind: ProblemKind;
  readonly count: number;
  readonly examples: readonly string[];
}

export class Problems {
  readonly #byKind = new Map<ProblemKind, { count: number; examples: string[] }>();

  add(kind: ProblemKind, example: string): void {
    const entry = this.#byKind.get(kind) ?? { count: 0, examples: [] };
    this.#byKind.set(kind, entry);
    entry.count += 1;
    if (entry.examples.length < EXAMPLES_MAX) entry.examples.push(example);
  }

  countOf(kind: ProblemKind): number {
    return this.#byKind.get(kind)?.count ?? 0;
  }

  get isEmpty(): boolean {
    return this.#byKind.size === 0;
  }

  summary(): readonly ProblemSummary[] {
    return [...this.#byKind].map(([kind, entry]) => ({ kind, ...entry }));
  }
}
