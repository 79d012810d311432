/**
 * Progress of long work on standard error: one line that is rewritten on a terminal, a new line every
 * few seconds elsewhere. Standard output stays the command's result.
 */
import type { Clock } from '../platform/clock/clock.ts';

export interface ProgressState {
  readonly done: number;
  /** `null` where the total is not known. */
  readonly total: number | null;
  readonly unit: string;
}

export interface Progress {
  update(state: ProgressState): void;
  end(): void;
}

const TERMINAL_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 2_000;
const BAR_WIDTH = 28;

export function createProgress(label: string, clock: Clock, stream: NodeJS.WriteStream): Progress {
  const startedMs = clock.monotonicMs();
  const intervalMs = stream.isTTY ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS;
  let shownMs = Number.NEGATIVE_INFINITY;
  let last: ProgressState | null = null;
  let shown: ProgressState | null = null;

  function show(state: ProgressState): void {
    const line = formatProgress(label, state, clock.monotonicMs() - startedMs);
    stream.write(stream.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    shown = state;
  }

  return {
    update(state) {
      last = state;
      if (clock.monotonicMs() - shownMs < intervalMs) return;
      shownMs = clock.monotonicMs();
      show(state);
    },
    end() {
      if (last !== null && last !== shown) show(last);
      if (stream.isTTY && last !== null) stream.write('\n');
    },
  };
}

export function formatProgress(label: string, state: ProgressState, elapsedMs: number): string {
  const { done, total, unit } = state;
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`;
  if (total === null || total === 0) return `${label}  ${groupDigits(done)} ${unit}  ${seconds}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${label}  ${bar} ${percent}  ${groupDigits(done)} of ${groupDigits(total)} ${unit}  ${seconds}`;
}

/** 1234567 → 1 234 567. */
export function groupDigits(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
