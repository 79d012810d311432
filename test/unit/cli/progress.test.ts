/** Progress: how far, and how long it will yet take. */
import { expect, it } from 'vitest';
import { createProgress, formatProgress } from '../../../services/cli/progress.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';

const state = (done: number, total: number | null = 1_000) => ({ done, total, unit: 'record' });

it.each([
  ['by the pace so far', state(250), { done: 250, ms: 10_000 }, ', about 30 s left'],
  ['of minutes', state(100), { done: 100, ms: 10_500 }, ', about 1 min 35 s left'],
  ['of hours', state(10), { done: 10, ms: 80_000 }, ', about 2 h 12 min left'],
  ['without what was done before', state(900), { done: 100, ms: 10_000 }, ', about 10 s left'],
])('estimates what is left %s', (_what, now, pace, text) => {
  expect(formatProgress('replaying', now, 12_000, pace)).toContain(`12.0 s${text}`);
});

it.each([
  ['at the beginning', state(50), { done: 50, ms: 1_999 }],
  ['before anything is done', state(0), { done: 0, ms: 5_000 }],
  ['when all is done', state(1_000), { done: 1_000, ms: 5_000 }],
  ['without a total', state(10, null), { done: 10, ms: 5_000 }],
  ['without a pace', state(10), null],
])('estimates nothing %s', (_what, now, pace) => {
  expect(formatProgress('replaying', now, 5_000, pace)).not.toContain('left');
});

it('measures the pace from the first state it was shown', async () => {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const stream = { isTTY: false, write: (line: string) => lines.push(line) };
  const progress = createProgress('replaying', clock, stream as unknown as NodeJS.WriteStream);
  await clock.advance(60_000);
  progress.update(state(800));
  await clock.advance(10_000);
  progress.update(state(900));
  progress.end();
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('900 of 1 000 record  70.0 s, about 10 s left');
});
