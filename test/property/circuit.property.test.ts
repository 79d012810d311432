/** The circuit against a naive model that remembers every row, and laws of any sequence of calls. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Circuit,
  type CircuitState,
  createCircuit,
  OPEN_DOUBLINGS_MAX,
  PROVEN_WINDOWS,
  TRIAL_ROWS,
} from '../../services/inference-worker/circuit.ts';

type Options = Parameters<typeof createCircuit>[0];

/** The same machine, written down row by row and without a ring. */
class NaiveCircuit implements Circuit {
  readonly #options: Options;
  #state: CircuitState = 'closed';
  #rows: ('failed' | 'ok')[] = [];
  #trials: ('failed' | 'ok')[] = [];
  #allowance = 0;
  #untilMs = 0;
  /** Of the last time it opened; half of the first time where there is none to go by. */
  #openMs: number;
  #rowsSinceClosed = Number.POSITIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
    this.#openMs = options.openMs / 2;
  }

  #isTooMany(rows: readonly string[], of: number): boolean {
    const failed = rows.filter((row) => row === 'failed').length;
    return failed > 0 && failed / of >= this.#options.failureShare - 1e-9;
  }

  state(nowMs: number): CircuitState {
    if (this.#state === 'closed' || nowMs < this.#untilMs) return this.#state;
    if (this.#state === 'open') this.#trials = [];
    this.#state = 'half-open';
    this.#allowance = TRIAL_ROWS - this.#trials.length;
    this.#untilMs = nowMs + this.#options.openMs;
    return this.#state;
  }

  allows(nowMs: number): boolean {
    const state = this.state(nowMs);
    if (state === 'closed') return true;
    if (state === 'open' || this.#allowance <= 0) return false;
    this.#allowance -= 1;
    return true;
  }

  record(failedRows: number, okRows: number, nowMs: number): 'opened' | 'closed' | null {
    const batch = [...Array(okRows).fill('ok'), ...Array(failedRows).fill('failed')];
    switch (this.state(nowMs)) {
      case 'open':
        return null;
      case 'closed':
        this.#rows = [...this.#rows, ...batch].slice(-this.#options.rowCount);
        this.#rowsSinceClosed += batch.length;
        if (this.#rowsSinceClosed > PROVEN_WINDOWS * this.#options.rowCount) {
          this.#openMs = this.#options.openMs / 2;
        }
        if (!this.#isTooMany(this.#rows, this.#options.rowCount)) return null;
        this.#openAgain(nowMs);
        return 'opened';
      case 'half-open': {
        this.#trials = [...this.#trials, ...batch];
        if (this.#isTooMany(this.#trials, TRIAL_ROWS)) {
          this.#openAgain(nowMs);
          return null;
        }
        const ok = this.#trials.filter((row) => row === 'ok').length;
        const others = Array(Math.max(0, TRIAL_ROWS - ok)).fill('failed');
        if (this.#isTooMany(others, TRIAL_ROWS)) return null;
        this.#state = 'closed';
        this.#rows = [];
        this.#rowsSinceClosed = 0;
        return 'closed';
      }
    }
  }

  /** Twice as long as the last time. */
  #openAgain(nowMs: number): void {
    const longestMs = this.#options.openMs * 2 ** OPEN_DOUBLINGS_MAX;
    this.#state = 'open';
    this.#openMs = Math.min(this.#openMs * 2, longestMs);
    this.#untilMs = nowMs + this.#openMs;
  }
}

const options: fc.Arbitrary<Options> = fc.record({
  failureShare: fc.oneof(
    fc.constantFrom(0.01, 0.07, 0.1, 0.5, 1),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
  ),
  rowCount: fc.integer({ min: 1, max: 60 }),
  openMs: fc.integer({ min: 1, max: 1_000 }),
});

const rows = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 90 }),
);
type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'ask'; readonly rows: number }
  | { readonly kind: 'record'; readonly failed: number; readonly ok: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('wait'),
    ms: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 9_000 })),
  }),
  fc.record({ kind: fc.constant('ask'), rows: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('record'), failed: rows, ok: rows }),
);

it('does what the naive model does', () => {
  const seen = { opened: 0, closed: 0, halfOpen: 0 };
  fc.assert(
    fc.property(options, fc.array(step, { minLength: 30, maxLength: 80 }), (config, steps) => {
      const circuit = createCircuit(config);
      const naive = new NaiveCircuit(config);
      let nowMs = 5;
      for (const each of steps) {
        if (each.kind === 'wait') nowMs += each.ms;
        else if (each.kind === 'ask') {
          for (let row = 0; row < each.rows; row += 1) {
            expect(circuit.allows(nowMs)).toBe(naive.allows(nowMs));
          }
        } else {
          const moved = circuit.record(each.failed, each.ok, nowMs);
          expect(moved).toBe(naive.record(each.failed, each.ok, nowMs));
          if (moved !== null) seen[moved] += 1;
        }
        const state = naive.state(nowMs);
        expect(circuit.state(nowMs)).toBe(state);
        if (state === 'half-open') seen.halfOpen += 1;
      }
    }),
    { numRuns: 1_500 },
  );
  // The steps do reach every state.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
});

it('fires and resolves by turns, and never asks many rows of a version that only fails', () => {
  fc.assert(
    fc.property(
      options,
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 50, maxLength: 300 }),
      (config, gaps) => {
        const circuit = createCircuit(config);
        let nowMs = 0;
        let asked = 0;
        let isOpen = false;
        for (const gap of gaps) {
          nowMs += gap * config.openMs;
          if (!circuit.allows(nowMs)) continue;
          asked += 1;
          const moved = circuit.record(1, 0, nowMs);
          expect(moved).toBe(moved === null ? null : isOpen ? 'closed' : 'opened');
          if (moved !== null) isOpen = !isOpen;
        }
        const spanMs = gaps.reduce((sum, gap) => sum + gap * config.openMs, 0);
        const trials = spanMs / config.openMs;
        expect(asked).toBeLessThanOrEqual(config.rowCount + TRIAL_ROWS * (trials + 1));
      },
    ),
  );
});
