/**
 * `npm run bench:rollout`: what callers feel of a shadow that cannot keep up, and of a switch. Options
 * as in bench-run.ts.
 */
import { heavyMlp, largerMlp, tinyMlp } from '../support/onnx-models.ts';
import { FEATURES } from '../support/rollout-versions.ts';
import { type Part, runBench } from './bench-run.ts';
import { measureShadow, overAll, type ShadowCase } from './rollout-shadow.ts';
import { measureSwitch } from './rollout-switch.ts';

const WIDTH = FEATURES.length;
const light = tinyMlp(WIDTH, 16, 1);

/** With a shadow ÷ without, of all rounds so far. */
const ratios: number[] = [];

function besideShadow(shadowed: Omit<ShadowCase, 'name'>): Part {
  return async (name, pace, report) => {
    ratios.push(...(await measureShadow({ name, ...shadowed }, pace, report)));
  };
}

const PARTS: Readonly<Record<string, Part>> = {
  'light on this thread, shadow on workers': besideShadow({
    ...{ primary: light, shadow: heavyMlp(WIDTH), placement: 'auto' },
  }),
  'light, both on this thread': besideShadow({
    ...{ primary: light, shadow: largerMlp(WIDTH, [1_024, 1_024]), placement: 'inline' },
  }),
  'larger, both on workers': besideShadow({
    ...{ primary: largerMlp(WIDTH), shadow: heavyMlp(WIDTH), placement: 'workers' },
  }),
  'with a shadow, over all': async (name, _, report) => {
    if (ratios.length > 0) report(overAll(name, ratios));
  },
  'switch to a light version': (name, pace, report) =>
    measureSwitch({ name, primary: light, next: (seed) => tinyMlp(WIDTH, 16, seed) }, pace, report),
  'switch to a version of 20 MB': (name, pace, report) =>
    measureSwitch(
      { name, primary: light, next: (seed) => largerMlp(WIDTH, [2_048, 2_048 + seed, 512]) },
      pace,
      report,
    ),
};

await runBench({ baseline: 'test/bench/rollout.baseline.json', rounds: 5, nameWidth: 56 }, PARTS);
