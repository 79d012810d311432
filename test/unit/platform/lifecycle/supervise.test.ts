/** Start forwards, stop backwards, whatever fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Component } from '../../../../services/platform/lifecycle/component.ts';
import { startAll, stopAll } from '../../../../services/platform/lifecycle/supervise.ts';

interface Script {
  readonly startFails?: boolean;
  readonly stopFails?: boolean;
  readonly stopTakesMs?: number;
}

function scripted(scripts: readonly Script[]) {
  const log: string[] = [];
  const deadlinesMs: number[] = [];
  const components = scripts.map(
    (script, index): Component => ({
      name: `c${index}`,
      async start() {
        log.push(`start ${index}`);
        if (script.startFails) throw new Error(`start ${index} failed`);
      },
      async stop(deadlineMs) {
        log.push(`stop ${index}`);
        deadlinesMs.push(deadlineMs);
        if (script.stopTakesMs !== undefined) await sleep(script.stopTakesMs);
        if (script.stopFails) throw new Error(`stop ${index} failed`);
      },
      health: () => ({ status: 'ready', reason: '' }),
      finished: Promise.resolve(),
    }),
  );
  return { components, log, deadlinesMs };
}

const scripts = fc.array(fc.record({ startFails: fc.boolean(), stopFails: fc.boolean() }), {
  maxLength: 8,
});

describe('startAll', () => {
  it('starts in order, or stops what started in reverse and says why', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const { components, log } = scripted(script);
        const failing = script.findIndex(({ startFails }) => startFails);
        const startedCount = failing < 0 ? script.length : failing;
        const starts = components
          .slice(0, failing < 0 ? script.length : failing + 1)
          .map((_, index) => `start ${index}`);
        if (failing < 0) {
          await startAll(components);
          expect(log).toEqual(starts);
          return;
        }
        const error: unknown = await startAll(components).then(
          () => null,
          (reason: unknown) => reason,
        );
        const stops = starts.slice(0, startedCount).map((line) => line.replace('start', 'stop'));
        expect(log).toEqual([...starts, ...stops.toReversed()]);
        const failedStops = script.slice(0, startedCount).filter(({ stopFails }) => stopFails);
        const errors = error instanceof AggregateError ? error.errors : [error];
        expect(errors).toHaveLength(1 + failedStops.length);
        expect(errors[0]).toMatchObject({ message: `start ${failing} failed` });
      }),
    );
  });
});

describe('stopAll', () => {
  it('stops every component in reverse and collects what fails', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const { components, log } = scripted(script);
        const error: unknown = await stopAll(components, 1_000).then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(log).toEqual(script.map((_, index) => `stop ${index}`).toReversed());
        const messages = script.flatMap(({ stopFails }, index) =>
          stopFails ? [`stop ${index} failed`] : [],
        );
        if (messages.length === 0) expect(error).toBeNull();
        else {
          expect(error).toBeInstanceOf(AggregateError);
          expect((error as AggregateError).errors.map(({ message }) => message)).toEqual(
            messages.toReversed(),
          );
        }
      }),
    );
  });

  it('shares one deadline among all', async () => {
    const { components, deadlinesMs } = scripted([{}, { stopTakesMs: 60 }, {}]);
    await stopAll(components, 1_000);
    const [last, middle, first] = deadlinesMs;
    expect(last).toBeLessThanOrEqual(1_000);
    expect(middle).toBeLessThanOrEqual(last!);
    expect(first).toBeLessThanOrEqual(middle! - 50);
  });

  it('gives up on a component that does not keep the deadline, and stops the others', async () => {
    const { components, log } = scripted([{}, { stopTakesMs: 3_000 }, {}]);
    const startMs = performance.now();
    await expect(stopAll(components, 50)).rejects.toMatchObject({
      errors: [{ message: expect.stringMatching(/^c1 did not stop within \d+ ms$/) }],
    });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(log).toEqual(['stop 2', 'stop 1', 'stop 0']);
  });
});
