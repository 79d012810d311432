/**
 * `npm run bench:rollout`: what callers feel of a shadow that cannot keep up, and of a switch. Options
 * as in bench-run.ts.
 */
import { heavyMlp, largerMlp, tinyMlp } from '../support/onnx-models.ts';
import { FEATURES } from '../support/rollout-versions.ts';
import { type Part, runBench } from './bench-run.ts';
import { measureShadow } from './rollout-shadow.ts';
import { measureSwitch } from './rollout-switch.ts';

const WIDTH = FEATURES.length;
const light = tinyMlp(WIDTH, 16, 1);

const CASES: Readonly<Record<string, Part>> = {
  'light on this thread, shadow on workers': (name, pace, report) =>
    measureShadow(
      { name, primary: light, shadow: heavyMlp(WIDTH), placement: 'auto' },
      pace,
      report,
    ),
  'light, both on this thread': (name, pace, report) =>
    measureShadow(
      { name, primary: light, shadow: largerMlp(WIDTH, [1_024, 1_024]), placement: 'inline' },
      pace,
      report,
    ),
  'larger, both on workers': (name, pace, report) =>
    measureShadow(
      { name, primary: largerMlp(WIDTH), shadow: heavyMlp(WIDTH), placement: 'workers' },
      pace,
      report,
    ),
  'switch to a light version': (name, pace, report) =>
    measureSwitch({ name, primary: light, next: (seed) => tinyMlp(WIDTH, 16, seed) }, pace, report),
  'switch to a version of 20 MB': (name, pace, report) =>
    measureSwitch(
      { name, primary: light, next: (seed) => largerMlp(WIDTH, [2_048, 2_048 + seed, 512]) },
      pace,
      report,
    ),
};

await runBench({ baseline: 'test/bench/rollout.baseline.json', rounds: 8, nameWidth: 56 }, CASES);
