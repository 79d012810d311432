/**
 * Port: the only way to ask for the wall clock, to measure a duration or to wait.
 *
 * Everything that decides in event time takes time as an argument instead; tests use the virtual
 * adapter and never sleep for real.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. */
  nowMs(): number;
  /** Monotonic time with a fraction, milliseconds since an arbitrary start; only differences mean anything. */
  monotonicMs(): number;
  /** Resolves after `durationMs`, or at once when `signal` aborts; never rejects, leaves no timer behind. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
