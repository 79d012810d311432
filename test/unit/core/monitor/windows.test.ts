/** Window lengths that can be run, and the monitor with other ones. */
import { describe, expect, test } from 'vitest';
import type { Monitor } from '../../../../services/core/monitor/monitor.ts';
import { overrideWindows, windowsMistake } from '../../../../services/core/monitor/windows.ts';

const MINUTE_MS = 60_000;

describe('windowsMistake', () => {
  test.each([
    [[15 * MINUTE_MS], 0],
    [[15 * MINUTE_MS, 60 * MINUTE_MS], MINUTE_MS],
    [[1_000], 0],
    [[10_000_000], 0],
  ])('%j with %d ms of lateness can be run', (lengthsMs, latenessMs) => {
    expect(windowsMistake(lengthsMs, latenessMs)).toBeNull();
  });

  test.each([
    [[], 0, 'at least one'],
    [[999], 0, 'too short'],
    [[1_500.5], 0, 'too short'],
    [[Number.NaN], 0, 'too short'],
    [[2_000, 2_000], 0, 'twice'],
    [[1_500, 2_000], 0, '500 ms in common'],
    [[1_000, 10_001_000], 0, '10001 panes'],
    [[1_000], 10_000_000, '10001 panes'],
  ])('%j with %d ms of lateness cannot', (lengthsMs, latenessMs, reason) => {
    expect(windowsMistake(lengthsMs, latenessMs)).toContain(reason);
  });
});

describe('overrideWindows', () => {
  const monitor = {
    windowLengthsMs: [MINUTE_MS],
    allowedLatenessMs: 0,
    name: 'm',
  } as unknown as Monitor;

  test('changes the windows only, and sorts them', () => {
    const changed = overrideWindows(monitor, [10_000, 5_000]);
    expect(changed).toEqual({ ...monitor, windowLengthsMs: [5_000, 10_000] });
    expect(monitor.windowLengthsMs).toEqual([MINUTE_MS]);
  });

  test('refuses what cannot be run', () => {
    expect(() => overrideWindows(monitor, [1])).toThrow(/^windows: .*too short/);
  });
});
