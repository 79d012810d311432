/** The alert's state machine, as a table of timelines. */
import { describe, expect, it } from 'vitest';
import { decide, QUIET, type RuleThresholds } from '../../../services/alerting/decide.ts';
import type { Verdict } from '../../../services/core/message/report.ts';

const LETTERS: Record<string, Verdict> = {
  '.': 'ok',
  D: 'drift',
  '?': 'insufficient-data',
  '-': 'no-reference',
};

/** One letter per window in, one per window out: F fires, R resolves, _ says nothing. */
function timeline(windows: string, rule: RuleThresholds): string {
  let state = QUIET;
  return [...windows]
    .map((letter, index) => {
      const decision = decide(state, { verdict: LETTERS[letter]!, startMs: index }, rule);
      state = decision.state;
      return { fire: 'F', resolve: 'R', nothing: '_' }[decision.kind];
    })
    .join('');
}

describe('decide', () => {
  it.each([
    ['fires at once and resolves at once', 1, 1, '..DD..', '__F_R_'],
    ['waits for windows in a row', 2, 1, '.D.DD.', '____FR'],
    ['resolves after windows without drift in a row', 1, 2, 'D.D..', 'F___R'],
    ['missing data is not recovery', 1, 1, 'D??.', 'F__R'],
    ['missing data does not break a streak', 2, 1, 'D?D', '__F'],
    ['no reference is no judgement', 1, 1, '--D-', '__F_'],
    ['fires again after it resolved', 1, 1, 'D.D.', 'FRFR'],
  ])('%s', (_name, forWindows, resolveAfterWindows, windows, said) => {
    expect(timeline(windows, { forWindows, resolveAfterWindows })).toBe(said);
  });

  it('dates the drift from its first window', () => {
    const rule = { forWindows: 3, resolveAfterWindows: 1 };
    let state = QUIET;
    const starts = [10, 20, 30].map((startMs) => {
      const decision = decide(state, { verdict: 'drift', startMs }, rule);
      state = decision.state;
      return decision.kind === 'fire' ? decision.driftStartMs : null;
    });
    expect(starts).toEqual([null, null, 10]);
  });
});
