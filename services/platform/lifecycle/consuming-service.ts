/**
 * The part every consuming service shares: prepare, subscribe, take turns until stopped, drain, close.
 *
 * A turn polls and does its work; a transient failure inside `context.retry` makes the service
 * `degraded` while it is retried. `state.lost` out of a turn leaves the group and joins it again, so
 * that every partition is taken over anew. Anything else thrown ends the service as `failed` with the
 * reason, and `finished` rejects so that the process can exit non-zero. Nothing is ever swallowed.
 */
import { CodedError } from '../../core/errors.ts';
import type { Subscription } from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import type { Component, Health } from './component.ts';
import { retryTransient } from './retry.ts';

export interface TurnContext {
  /** Aborted when the service is asked to stop. */
  readonly signal: AbortSignal;
  /** Retries a transient failure; `what` names the action in logs and in health. */
  retry<T>(what: string, attemptOnce: () => Promise<T>): Promise<T>;
}

export interface ConsumingServiceOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Everything that must succeed before the first record: topics, models. */
  prepare(): Promise<void>;
  subscribe(context: TurnContext): Promise<Subscription>;
  turn(subscription: Subscription, context: TurnContext): Promise<void>;
  /** After the last turn, before leaving the group: finish and commit what was taken. */
  drain(subscription: Subscription, context: TurnContext): Promise<void>;
  /** Frees what `prepare` took; called once, also after a failed start. */
  dispose(): Promise<void>;
}

export function createConsumingService(options: ConsumingServiceOptions): Component {
  return new ConsumingService(options);
}

class ConsumingService implements Component {
  readonly name: string;
  readonly finished: Promise<void>;
  readonly #options: ConsumingServiceOptions;
  readonly #abort = new AbortController();
  #health: Health = { status: 'starting', reason: 'not started' };
  #resolveFinished: () => void = () => undefined;
  #rejectFinished: (error: unknown) => void = () => undefined;
  #starting: Promise<void> | null = null;
  #loop: Promise<void> | null = null;

  constructor(options: ConsumingServiceOptions) {
    this.name = options.name;
    this.#options = options;
    this.finished = new Promise((resolve, reject) => {
      this.#resolveFinished = resolve;
      this.#rejectFinished = reject;
    });
    // Whoever cares awaits `finished`; a death nobody awaits still shows in `health`.
    this.finished.catch(() => undefined);
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Of a service that is still starting: waits for the start, then ends what it began. */
  async stop(deadlineMs: number): Promise<void> {
    this.#abort.abort();
    const deadline = new AbortController();
    await Promise.race([this.#ended(), this.#options.clock.sleep(deadlineMs, deadline.signal)]);
    deadline.abort();
  }

  async #start(): Promise<void> {
    try {
      await this.#options.prepare();
      const subscription = await this.#options.subscribe(this.#context);
      this.#health = { status: 'ready', reason: '' };
      this.#loop = this.#run(subscription);
    } catch (error) {
      this.#fail(error);
      await this.#options.dispose();
      throw error;
    }
  }

  async #ended(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#loop;
  }

  health(): Health {
    return this.#health;
  }

  async #run(first: Subscription): Promise<void> {
    let subscription = first;
    try {
      while (!this.#abort.signal.aborted) {
        const lost = await this.#turnOrLoss(subscription);
        if (lost !== null) subscription = await this.#rejoin(subscription, lost);
      }
      await this.#options.drain(subscription, this.#context);
      this.#health = { status: 'stopped', reason: 'asked to stop' };
    } catch (error) {
      this.#fail(error);
    }
    try {
      await subscription.close();
      await this.#options.dispose();
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'closing failed');
    }
    if (this.#health.status === 'stopped') this.#resolveFinished();
  }

  async #turnOrLoss(subscription: Subscription): Promise<CodedError | null> {
    try {
      await this.#options.turn(subscription, this.#context);
      return null;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'state.lost') return error;
      throw error;
    }
  }

  async #rejoin(subscription: Subscription, lost: CodedError): Promise<Subscription> {
    this.#health = { status: 'degraded', reason: lost.message };
    this.#options.logger.error({ error: lost.message }, 'state lost, joining the group again');
    await subscription.close();
    const next = await this.#context.retry('join the group', () =>
      this.#options.subscribe(this.#context),
    );
    this.#health = { status: 'ready', reason: '' };
    return next;
  }

  #fail(error: unknown): void {
    this.#health = { status: 'failed', reason: messageOf(error) };
    this.#options.logger.error({ error: messageOf(error) }, `${this.name} failed`);
    this.#rejectFinished(error);
  }

  get #context(): TurnContext {
    return {
      signal: this.#abort.signal,
      retry: async (what, attemptOnce) => {
        const result = await retryTransient(
          {
            clock: this.#options.clock,
            signal: this.#abort.signal,
            onRetry: (error, attempt) => {
              this.#health = { status: 'degraded', reason: `${what}: ${error.message}` };
              this.#options.logger.warn(
                { error: error.message, attempt },
                `${what} failed, retrying`,
              );
            },
          },
          attemptOnce,
        );
        if (this.#health.status === 'degraded') this.#health = { status: 'ready', reason: '' };
        return result;
      },
    };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
