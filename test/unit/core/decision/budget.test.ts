import { describe, expect, it } from 'vitest';
import {
  FALSE_ALARMS_DEFAULT,
  shareBudget,
  windowBudget,
} from '../../../../services/core/decision/budget.ts';

const HOUR_MS = 3_600_000;
const alone = { slideMs: HOUR_MS, sliceCount: 1, baselineCount: 1, windowPlanCount: 1 };

describe('windowBudget', () => {
  it('is one window in a hundred when nothing is said', () => {
    expect(windowBudget({ ...alone, falseAlarms: FALSE_ALARMS_DEFAULT }).alpha).toBe(0.01);
  });

  it('shares one alarm a month over the windows of a month', () => {
    const { alpha } = windowBudget({ ...alone, falseAlarms: { max: 1, per: 'month' } });
    expect(alpha).toBeCloseTo(1 / (28 * 24), 12);
  });

  it('counts a sliding window by its slide, because each of them may alarm', () => {
    const falseAlarms = { max: 1, per: 'week' } as const;
    const hourly = windowBudget({ ...alone, falseAlarms }).alpha;
    const sliding = windowBudget({ ...alone, slideMs: HOUR_MS / 12, falseAlarms }).alpha;
    expect(sliding).toBeCloseTo(hourly / 12, 12);
  });

  it('is shared by slices, and by window lengths where it is per period', () => {
    const series = { slideMs: HOUR_MS, sliceCount: 5, baselineCount: 1, windowPlanCount: 2 };
    const monthly = windowBudget({ ...series, falseAlarms: { max: 1, per: 'month' } });
    expect(monthly.alpha).toBeCloseTo(1 / (28 * 24) / 10, 12);
    expect(windowBudget({ ...series, falseAlarms: FALSE_ALARMS_DEFAULT }).alpha).toBeCloseTo(
      0.002,
      12,
    );
  });

  it('never believes a window to be worth more than a coin', () => {
    const falseAlarms = { max: 10_000, per: 'day' } as const;
    expect(windowBudget({ ...alone, falseAlarms }).alpha).toBe(0.5);
  });

  it('says what it is', () => {
    const { sentence } = windowBudget({ ...alone, falseAlarms: { max: 1, per: 'month' } });
    expect(sentence).toBe('false alarms: 1 a month; 0.149 % of this window');
  });
});

describe('shareBudget', () => {
  it('gives in proportion and gives all', () => {
    expect(shareBudget(0.01, [1, 3, 0])).toEqual([0.0025, 0.0075, 0]);
    expect(shareBudget(0.01, [0, 0])).toEqual([0, 0]);
    expect(shareBudget(0.01, [])).toEqual([]);
  });
});
