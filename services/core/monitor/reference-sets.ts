/**
 * Sets of columns in reference.json, under `sets`, which is absent where there are none:
 *
 *     set = { "rows", "leftOut", "specification", "variation", "calibration", "sketch" }
 *
 * `specification`, `variation` and `sketch` (base64) are what counts, and so is `calibration`, which is
 * absent where the set could not be calibrated; `rows` and `leftOut` are for people. There are sets of
 * the whole only.
 */
import {
  type ColumnCalibration,
  formatCalibration,
  parseCalibration,
} from '../decision/column-calibration.ts';
import {
  formatSetVariation,
  parseSetVariation,
  type SetVariation,
} from '../decision/set-variation.ts';
import type { SetSketch } from '../sketch/set-sketch.ts';
import { decodeSetSketch, encodeSetSketch } from '../sketch/set-sketch-codec.ts';
import { parseSetSpecification, type SetSpecification } from '../sketch/set-specification.ts';
import {
  countAt,
  entriesAt,
  fail,
  objectAt,
  refusedAt,
  show,
  sketchAt,
} from './reference-fields.ts';

export interface SetReference {
  /** The sketch's own. */
  readonly specification: SetSpecification;
  readonly variation: SetVariation;
  readonly sketch: SetSketch;
  /** `null`: rows are taken as independent. */
  readonly calibration: ColumnCalibration | null;
}

const SETS_MAX = 100;

export function formatSets(sets: ReadonlyMap<string, SetReference>): Record<string, unknown> {
  return Object.fromEntries(
    [...sets].map(([name, { specification, variation, sketch, calibration }]) => [
      name,
      {
        rows: sketch.count,
        leftOut: sketch.leftOutCount,
        specification,
        variation: formatSetVariation(variation),
        ...(calibration === null ? {} : { calibration: formatCalibration(calibration) }),
        sketch: Buffer.from(encodeSetSketch(sketch)).toString('base64'),
      },
    ]),
  );
}

/** Throws `configuration.invalid` naming the place. */
export function parseSets(place: string, value: unknown): ReadonlyMap<string, SetReference> {
  if (value === undefined) return new Map();
  return new Map(
    entriesAt(place, value, SETS_MAX).map(([name, set]) => [
      name,
      parseSet(`${place}.${name}`, set),
    ]),
  );
}

function parseSet(place: string, value: unknown): SetReference {
  const set = objectAt(place, value);
  const specification = refusedAt(`${place}.specification`, () =>
    parseSetSpecification(set.specification),
  );
  const variation = refusedAt(`${place}.variation`, () =>
    parseSetVariation(set.variation, specification),
  );
  const calibration =
    set.calibration === undefined
      ? null
      : refusedAt(`${place}.calibration`, () => parseCalibration(set.calibration));
  const sketch = sketchAt(`${place}.sketch`, set.sketch, (bytes) =>
    decodeSetSketch(bytes, specification),
  );
  // A number edited by hand would otherwise look as if it had an effect.
  const counts = { rows: sketch.count, leftOut: sketch.leftOutCount };
  for (const [name, expected] of Object.entries(counts)) {
    if (countAt(`${place}.${name}`, set[name]) === expected) continue;
    fail(`${place}.${name}`, `is ${show(set[name])}, but the sketch says ${expected}`);
  }
  return { specification, variation, sketch, calibration };
}
