/** What `--compare` prints. */
import { describe, expect, it } from 'vitest';
import {
  bundleComparisonJson,
  comparisonText,
  liveComparisonJson,
} from '../../../services/cli/comparison-result.ts';
import type { AlertPair } from '../../../services/replay/compare-alerts.ts';
import type { LiveComparison } from '../../../services/replay/compare-live.ts';
import { EMPTY_TALLY } from '../../../services/replay/tally.ts';

const pair: AlertPair = {
  ...{ windowStart: '2026-03-02T00:00:00.000Z', windowEnd: '2026-03-02T00:05:00.000Z' },
  ...{ rule: 'drift', column: 'age', slice: 'channel=web', baseline: 'reference' },
  ...{ left: 'firing', right: null },
};
const compared: LiveComparison = {
  equal: false,
  panes: { ...EMPTY_TALLY, equal: 3, different: 1, onlyLive: 1, onlyRun: 2 },
  sha256: { live: 'aa', run: 'bb' },
  reports: { ...EMPTY_TALLY, equal: 7 },
  alerts: [pair],
  firstDifference: 'column age differs',
};

describe('a comparison with the live run', () => {
  it('as JSON has what was compared and the alerts of both sides', () => {
    expect(liveComparisonJson(compared)).toEqual({
      comparison: {
        with: 'live',
        equal: false,
        panes: { compared: 7, equal: 3, different: 1, onlyLive: 1, onlyRun: 2 },
        sha256: { live: 'aa', run: 'bb' },
        reports: { compared: 7, equal: 7, different: 0, onlyLive: 0, onlyRun: 0 },
        firstDifference: 'column age differs',
      },
      alertsCompared: [
        {
          ...{ window: '2026-03-02T00:05:00.000Z', windowStart: '2026-03-02T00:00:00.000Z' },
          ...{ rule: 'drift', column: 'age', slice: 'channel=web', baseline: 'reference' },
          ...{ left: 'firing', right: null },
        },
      ],
    });
  });

  it('for people has the first difference and a table', () => {
    const lines = comparisonText(liveComparisonJson(compared)).split('\n');
    expect(lines).toEqual([
      '',
      'compared with live',
      '  panes        7 compared, 3 equal, 1 different, 1 only live, 2 only here',
      '    live       sha256 aa',
      '    this       sha256 bb',
      '  reports      7 compared, 7 equal, 0 different, 0 only live, 0 only here',
      '  first difference: column age differs',
      '',
      'window end         rule   column            baseline   live    this bundle',
      '2026-03-02T00:05Z  drift  age{channel=web}  reference  firing  –',
      '',
    ]);
    const equal = liveComparisonJson({ ...compared, equal: true, firstDifference: null });
    expect(comparisonText(equal)).toContain('  no difference\n');
  });
});

describe('a comparison of two bundles', () => {
  it('has their alerts, and no verdict', () => {
    const json = bundleComparisonJson('../other', [{ ...pair, left: null, right: 'resolved' }]);
    expect(json.comparison).toEqual({ with: '../other' });
    const text = comparisonText(json);
    expect(text).toContain('this bundle  ../other');
    expect(text).not.toContain('panes');
    expect(comparisonText(bundleComparisonJson('x', []))).toContain('none on either side');
  });
});
