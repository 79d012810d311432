/**
 * Progress of long work on standard error: one line that is rewritten on a terminal, a new line every
 * few seconds elsewhere, with an estimate of what is left by the pace so far. Standard output stays the
 * command's result.
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
  /** Work that was done before, by an earlier attempt, says nothing of the pace. */
  let first: { readonly done: number; readonly atMs: number } | null = null;
  let last: ProgressState | null = null;
  let shown: ProgressState | null = null;

  function show(state: ProgressState): void {
    const nowMs = clock.monotonicMs();
    const pace = first === null ? null : { done: state.done - first.done, ms: nowMs - first.atMs };
    const line = formatProgress(label, state, nowMs - startedMs, pace);
    stream.write(stream.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    shown = state;
  }

  return {
    update(state) {
      first ??= { done: state.done, atMs: clock.monotonicMs() };
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

/** What was done in which time; an estimate rests on it. */
export interface Pace {
  readonly done: number;
  readonly ms: number;
}

/** Less is no ground for an estimate. */
const PACE_MS_MIN = 2_000;

export function formatProgress(
  label: string,
  state: ProgressState,
  elapsedMs: number,
  pace: Pace | null,
): string {
  const { done, total, unit } = state;
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`;
  if (total === null || total === 0) return `${label}  ${groupDigits(done)} ${unit}  ${seconds}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${label}  ${bar} ${percent}  ${groupDigits(done)} of ${groupDigits(total)} ${unit}  ${seconds}${estimate(total - done, pace)}`;
}

function estimate(left: number, pace: Pace | null): string {
  if (pace === null || pace.ms < PACE_MS_MIN || pace.done <= 0 || left <= 0) return '';
  return `, about ${roughly((left / pace.done) * pace.ms)} left`;
}

/** 95 000 → 1 min 35 s; two units at most. */
function roughly(durationMs: number): string {
  const seconds = Math.ceil(durationMs / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${groupDigits(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** 1234567 → 1 234 567. */
export function groupDigits(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
