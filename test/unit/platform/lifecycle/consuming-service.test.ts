/** The life of a consuming service: starts or fails fast, shows its health, drains, ends once. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { RETRY_BACKOFF_MS_MAX, RETRY_PATIENCE_MS } from '../../../../services/core/limits.ts';
import type { Subscription } from '../../../../services/platform/bus/bus.ts';
import { createVirtualClock } from '../../../../services/platform/clock/virtual-clock.ts';
import {
  type ConsumingServiceOptions,
  createConsumingService,
  type TurnContext,
} from '../../../../services/platform/lifecycle/consuming-service.ts';
import { createMemoryTelemetry } from '../../../../services/platform/telemetry/memory-telemetry.ts';

/** A service that writes down what happens to it; each turn waits a second unless told otherwise. */
function scripted(script: Partial<ConsumingServiceOptions> = {}) {
  const clock = createVirtualClock();
  const log: string[] = [];
  const subscription: Subscription = {
    poll: async () => [],
    owns: () => true,
    commit: async () => true,
    assignments: () => [],
    close: async () => void log.push('close'),
  };
  const service = createConsumingService({
    name: 'scripted',
    clock,
    logger: createMemoryTelemetry().logger('scripted'),
    prepare: async () => void log.push('prepare'),
    subscribe: async () => {
      log.push('subscribe');
      return subscription;
    },
    turn: async (_subscription, { signal }) => clock.sleep(1_000, signal),
    drain: async () => void log.push('drain'),
    dispose: async () => void log.push('dispose'),
    ...script,
  });
  return { clock, log, service };
}

function busDown(): CodedError {
  return new CodedError('dependency.bus', 'no broker answers');
}

/** Fails the first attempts, then works. */
function flaky(failures: number): () => Promise<void> {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= failures) throw busDown();
  };
}

describe('a start', () => {
  it('makes the service ready', async () => {
    const { service, log } = scripted();
    expect(service.health().status).toBe('starting');
    await service.start();
    expect(service.health()).toEqual({ status: 'ready', reason: '' });
    expect(log).toEqual(['prepare', 'subscribe']);
    await service.stop(1_000);
  });

  it.each(['prepare', 'subscribe'] as const)(
    'that fails to %s frees what it took',
    async (step) => {
      const refusal = new CodedError('configuration.invalid', 'event topic x does not exist');
      const { service, log } = scripted({ [step]: () => Promise.reject(refusal) });
      await expect(service.start()).rejects.toBe(refusal);
      await expect(service.finished).rejects.toBe(refusal);
      expect(service.health()).toEqual({ status: 'failed', reason: refusal.message });
      expect(log.filter((entry) => entry === 'dispose')).toHaveLength(1);
      await service.stop(1_000);
    },
  );
});

describe('a death', () => {
  it('rejects finished, shows in health, leaves the group and frees what was taken', async () => {
    const death = new CodedError('state.corrupt', 'the head is not what was written');
    const { service, log, clock } = scripted({ turn: () => Promise.reject(death) });
    await service.start();
    await expect(service.finished).rejects.toBe(death);
    await clock.advance(1);
    expect(service.health()).toEqual({ status: 'failed', reason: death.message });
    expect(log).toEqual(['prepare', 'subscribe', 'close', 'dispose']);
    await service.stop(1_000);
    expect(service.health().status).toBe('failed');
  });

  it('of a drain is a death too', async () => {
    const { service } = scripted({ drain: () => Promise.reject(busDown()) });
    await service.start();
    await service.stop(1_000);
    await expect(service.finished).rejects.toMatchObject({ code: 'dependency.bus' });
    expect(service.health().status).toBe('failed');
  });
});

describe('a retry', () => {
  const retrying = (attemptOnce: () => Promise<void>) => {
    let worked = 0;
    const { service, clock, log } = scripted({
      turn: async (_subscription, context: TurnContext) => {
        await context.retry('send', attemptOnce);
        worked += 1;
        await clock.sleep(1_000, context.signal);
      },
    });
    return { service, clock, log, worked: () => worked };
  };

  it('degrades the service while it goes on, and names what fails', async () => {
    const { service, clock, worked } = retrying(flaky(3));
    await service.start();
    await clock.advance(1);
    expect(service.health()).toEqual({ status: 'degraded', reason: 'send: no broker answers' });
    await clock.advance(10_000);
    expect(service.health()).toEqual({ status: 'ready', reason: '' });
    expect(worked()).toBeGreaterThan(0);
    void service.stop(1_000);
    await clock.advance(1_000);
  });

  it('goes on for as long as one waits for a dependency, then ends the service', async () => {
    const { service, clock, worked } = retrying(flaky(Number.POSITIVE_INFINITY));
    await service.start();
    await clock.advance(RETRY_PATIENCE_MS - 1);
    expect(service.health().status).toBe('degraded');
    await clock.advance(RETRY_BACKOFF_MS_MAX + 1);
    expect(service.health().status).toBe('failed');
    expect(worked()).toBe(0);
  });

  it('is not made of what will fail again', async () => {
    let attempts = 0;
    const { service, clock } = retrying(async () => {
      attempts += 1;
      throw new CodedError('state.corrupt', 'wrong bytes');
    });
    await service.start();
    await clock.advance(1);
    expect(service.health().status).toBe('failed');
    expect(attempts).toBe(1);
  });

  it('gives up waiting when the service is asked to stop', async () => {
    const { service, clock } = retrying(flaky(Number.POSITIVE_INFINITY));
    await service.start();
    await clock.advance(3_000);
    const stopped = service.stop(1_000);
    await clock.advance(1_000);
    await stopped;
    await expect(service.finished).rejects.toMatchObject({ code: 'dependency.bus' });
  });
});

describe('a stop', () => {
  it('finishes the turn, drains, leaves the group, then frees what was taken', async () => {
    const { service, clock, log } = scripted({
      turn: async () => {
        await clock.sleep(500);
        log.push('turn');
      },
    });
    await service.start();
    const stopped = service.stop(1_000);
    await clock.advance(600);
    await stopped;
    await service.finished;
    expect(log).toEqual(['prepare', 'subscribe', 'turn', 'drain', 'close', 'dispose']);
    expect(service.health().status).toBe('stopped');
  });

  it('returns by the deadline when the drain does not', async () => {
    const { service, clock, log } = scripted({ drain: () => new Promise(() => undefined) });
    await service.start();
    let returned = false;
    const stopped = service.stop(2_000).then(() => {
      returned = true;
    });
    await clock.advance(1_999);
    expect(returned).toBe(false);
    await clock.advance(1);
    await stopped;
    expect(log).not.toContain('dispose');
  });

  it('may be asked for twice, at once and afterwards', async () => {
    const { service, log } = scripted();
    await service.start();
    await Promise.all([service.stop(1_000), service.stop(1_000)]);
    await service.stop(1_000);
    expect(log.filter((entry) => entry === 'close')).toHaveLength(1);
    expect(log.filter((entry) => entry === 'dispose')).toHaveLength(1);
  });

  it('during the start waits for it, then ends what it began', async () => {
    const { service, clock, log } = scripted({ prepare: () => clock.sleep(500) });
    const starting = service.start();
    const stopping = service.stop(1_000);
    await clock.advance(600);
    await Promise.all([starting, stopping]);
    expect(log).toEqual(['subscribe', 'drain', 'close', 'dispose']);
    expect(service.health().status).toBe('stopped');
  });

  it('of what never started is nothing', async () => {
    const { service, log } = scripted();
    await service.stop(1_000);
    expect(log).toEqual([]);
  });

  it('leaves no timer', async () => {
    const sleeping: AbortSignal[] = [];
    const clock = createVirtualClock();
    const counting = {
      ...clock,
      sleep: (durationMs: number, signal?: AbortSignal) => {
        if (signal !== undefined) sleeping.push(signal);
        return clock.sleep(durationMs, signal);
      },
    };
    const { service } = scripted({ clock: counting });
    await service.start();
    await service.stop(3_600_000);
    expect(sleeping.length).toBeGreaterThan(0);
    expect(sleeping.every((signal) => signal.aborted)).toBe(true);
  });
});

describe('state that was lost', () => {
  it('makes the service leave the group and join it again', async () => {
    let turns = 0;
    const { service, clock, log } = scripted({
      turn: async (_subscription, { signal }) => {
        turns += 1;
        if (turns === 2) throw new CodedError('state.lost', 'the store was emptied');
        await clock.sleep(1_000, signal);
      },
    });
    await service.start();
    await clock.advance(3_000);
    expect(turns).toBeGreaterThan(2);
    expect(log).toEqual(['prepare', 'subscribe', 'close', 'subscribe']);
    expect(service.health().status).toBe('ready');
    void service.stop(1_000);
    await clock.advance(1_000);
  });
});
