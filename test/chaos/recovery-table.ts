/** Times of recovery by fault. */
export interface RecoveryRow {
  readonly fault: string;
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Rounds beyond the limit. */
  readonly missed: number;
}

export class RecoveryTable {
  readonly #limitMs: number;
  readonly #byFault = new Map<string, number[]>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  add(fault: string, recoveryMs: number): void {
    this.#byFault.set(fault, [...(this.#byFault.get(fault) ?? []), Math.round(recoveryMs)]);
  }

  rows(): readonly RecoveryRow[] {
    return [...this.#byFault]
      .map(([fault, times]) => {
        const sorted = [...times].sort((a, b) => a - b);
        return {
          fault,
          count: sorted.length,
          medianMs: sorted[Math.floor(sorted.length / 2)]!,
          maxMs: sorted.at(-1)!,
          missed: sorted.filter((time) => time > this.#limitMs).length,
        };
      })
      .sort((a, b) => (a.fault < b.fault ? -1 : 1));
  }
}
