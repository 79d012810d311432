/**
 * The contract of everything that runs: a service, an HTTP endpoint, a pipeline of them.
 *
 * - `start` fails fast on what it cannot reach and leaves nothing behind when it fails;
 * - `stop` is idempotent, stops intake, drains or abandons by the deadline, commits only what was
 *   acknowledged, and leaves no timer and no socket;
 * - downstream starts first, upstream stops first.
 */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(deadlineMs: number): Promise<void>;
  health(): Health;
  /** Resolves when the component has stopped; rejects when it died. Nobody need await it. */
  readonly finished: Promise<void>;
}

export interface Health {
  /** `ready` takes traffic; `degraded` lives and retries; `failed` will not come back by itself. */
  readonly status: 'starting' | 'ready' | 'degraded' | 'failed' | 'stopped';
  /** Why it is not ready; empty when it is. */
  readonly reason: string;
}
