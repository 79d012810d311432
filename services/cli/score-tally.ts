/** What became of the rows of `tidegauge score`, counted. */
import type { ErrorCode } from '../core/errors.ts';
import type { RowAnswer } from '../inference-worker/score-row.ts';

export interface ScoreTally {
  readonly rows: number;
  /** Answered by the version that was chosen for them. */
  readonly scored: number;
  readonly fallback: number;
  readonly suppressed: number;
  readonly rejected: number;
  readonly rejectedByCode: ReadonlyMap<ErrorCode, number>;
  readonly fallbackByCode: ReadonlyMap<string, number>;
  /** In the order they answered first. */
  readonly versions: readonly {
    readonly version: string;
    readonly variant: string;
    readonly digest: string;
    readonly rows: number;
  }[];
}

export class Tally {
  #rows = 0;
  #scored = 0;
  #fallback = 0;
  #suppressed = 0;
  #rejected = 0;
  readonly #rejectedByCode = new Map<ErrorCode, number>();
  readonly #fallbackByCode = new Map<string, number>();
  readonly #versions = new Map<string, ScoreTally['versions'][number]>();

  get rows(): number {
    return this.#rows;
  }

  add(answer: RowAnswer): void {
    this.#rows += 1;
    if (answer.kind === 'rejected') {
      this.#rejected += 1;
      count(this.#rejectedByCode, answer.rejection.code);
      return;
    }
    const { version, variant, digest, fallbackReason } = answer;
    if (variant === 'fallback') {
      this.#fallback += 1;
      count(this.#fallbackByCode, fallbackReason);
    } else {
      this.#scored += 1;
    }
    if (answer.suppressed) this.#suppressed += 1;
    const key = `${variant} ${version}`;
    const rows = (this.#versions.get(key)?.rows ?? 0) + 1;
    this.#versions.set(key, { version, variant, digest, rows });
  }

  result(): ScoreTally {
    return {
      rows: this.#rows,
      scored: this.#scored,
      fallback: this.#fallback,
      suppressed: this.#suppressed,
      rejected: this.#rejected,
      rejectedByCode: this.#rejectedByCode,
      fallbackByCode: this.#fallbackByCode,
      versions: [...this.#versions.values()],
    };
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
