/**
 * Starts and stops a set of components in the order that loses nothing: the array lists downstream
 * first, so starting goes forwards and stopping backwards.
 */
import type { Component } from './component.ts';

/** How long what already runs may take to stop when a later component does not start. */
const ROLLBACK_DEADLINE_MS = 5_000;

/**
 * One after the other. When one fails, those before it are stopped again and its error is thrown;
 * it is inside an `AggregateError`, first, where stopping failed as well.
 */
export async function startAll(components: readonly Component[]): Promise<void> {
  const started: Component[] = [];
  for (const component of components) {
    try {
      await component.start();
    } catch (error) {
      const errors = [error, ...(await stopEach(started, ROLLBACK_DEADLINE_MS))];
      if (errors.length === 1) throw error;
      throw new AggregateError(errors, `${component.name} did not start, nor did all others stop`);
    }
    started.push(component);
  }
}

/**
 * One after the other, the last first, all of them whatever happens. `deadlineMs` is for all
 * together: each gets what the ones before it left. A component that ignores its deadline is given
 * up. Throws an `AggregateError` of what went wrong at the end.
 */
export async function stopAll(components: readonly Component[], deadlineMs: number): Promise<void> {
  const errors = await stopEach(components, deadlineMs);
  if (errors.length > 0) throw new AggregateError(errors, 'not every component stopped cleanly');
}

async function stopEach(components: readonly Component[], deadlineMs: number): Promise<unknown[]> {
  const endMs = performance.now() + deadlineMs;
  const errors: unknown[] = [];
  for (const component of components.toReversed()) {
    try {
      await stopWithin(component, Math.max(0, endMs - performance.now()));
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** A component that keeps its deadline to the millisecond must not lose the race against it. */
const GRACE_MS = 100;

async function stopWithin(component: Component, remainingMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new Error(`${component.name} did not stop within ${Math.round(remainingMs)} ms`)),
      remainingMs + GRACE_MS,
    );
  });
  try {
    await Promise.race([component.stop(remainingMs), expired]);
  } finally {
    clearTimeout(timer);
  }
}
