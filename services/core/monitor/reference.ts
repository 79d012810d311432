/**
 * The reference profile: what each column looked like in the data the model was trained on.
 *
 * reference.json, format 2. Columns stand in the order of the data, slices in alphabetical order:
 *
 *     { "format": "tidegauge-reference", "version": 2, "rows": n,
 *       "columns": { name: column, … },
 *       "slices": { "column=value": { name: column, … }, … },
 *       "sets": { name: set, … } }                               ; see reference-sets.ts
 *     column = { "type", "count", "missing", … numbers to read and compare …,
 *                "calibration": { statistic: { "count": inflation, … }, … }, "sketch" }
 *
 * `sketch` is the base64 of the encoded `ColumnSketch` and is what counts; the numbers beside it are
 * for people and diffs. `calibration` counts too; columns of slices have none, nor have those of data
 * that do not come in the order of time. Equal references give equal text. Format 1, which is read
 * as well, is the same without any calibration.
 */
import {
  type ColumnCalibration,
  formatCalibration,
  parseCalibration,
} from '../decision/column-calibration.ts';
import { COLUMNS_MAX, REFERENCE_BYTES_MAX, SLICE_VALUES_MAX } from '../limits.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
} from '../sketch/column-sketch.ts';
import { describeSketch } from './describe-sketch.ts';
import {
  countAt,
  entriesAt,
  fail,
  objectAt,
  refusedAt,
  show,
  sketchAt,
} from './reference-fields.ts';
import { formatSets, parseSets, type SetReference } from './reference-sets.ts';

export type ReferenceColumns = ReadonlyMap<string, ColumnSketch>;

export interface Reference {
  readonly rowCount: number;
  readonly columns: ReferenceColumns;
  /** By `column=value`. */
  readonly slices: ReadonlyMap<string, ReferenceColumns>;
  /** Of the columns of the whole; a column that could not be calibrated is absent. */
  readonly calibrations: ReadonlyMap<string, ColumnCalibration>;
  /** Of the whole; none of slices. */
  readonly sets: ReadonlyMap<string, SetReference>;
}

const FORMAT = 'tidegauge-reference';
const VERSION = 2;
const VERSIONS_READ: readonly unknown[] = [1, VERSION];
/** Ten slice columns, each with its values and `(other)`. */
const SLICES_MAX = 10 * (SLICE_VALUES_MAX + 1);

export function formatReference(reference: Reference): string {
  const slices = [...reference.slices].sort(([left], [right]) => (left < right ? -1 : 1));
  const document = {
    format: FORMAT,
    version: VERSION,
    rows: reference.rowCount,
    columns: columnsDocument(reference.columns, reference.calibrations),
    slices: Object.fromEntries(
      slices.map(([name, columns]) => [name, columnsDocument(columns, new Map())]),
    ),
    // Absent where there are none, so that a reference without sets keeps its text.
    ...(reference.sets.size === 0 ? {} : { sets: formatSets(reference.sets) }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function columnsDocument(
  columns: ReferenceColumns,
  calibrations: Reference['calibrations'],
): Record<string, unknown> {
  const entries = [...columns].map(([name, sketch]): [string, unknown] => {
    const calibration = calibrations.get(name);
    const document = {
      type: sketch.kind,
      ...describeSketch(sketch),
      ...(calibration === undefined ? {} : { calibration: formatCalibration(calibration) }),
      sketch: Buffer.from(encodeColumnSketch(sketch)).toString('base64'),
    };
    return [name, document];
  });
  return Object.fromEntries(entries);
}

/** Throws `configuration.invalid` naming the place; the text may come from anywhere. */
export function parseReference(text: string): Reference {
  if (text.length > REFERENCE_BYTES_MAX) {
    fail('', `${text.length} characters, expected at most ${REFERENCE_BYTES_MAX}`);
  }
  const document = objectAt('', parseJson(text));
  if (document.format !== FORMAT) fail('format', `expected ${JSON.stringify(FORMAT)}`);
  if (!VERSIONS_READ.includes(document.version)) {
    fail(
      'version',
      `${show(document.version)} is not known, expected ${VERSIONS_READ.join(' or ')}`,
    );
  }
  const rowCount = countAt('rows', document.rows);
  const columns = parseColumns('columns', document.columns);
  const slices = new Map<string, ReferenceColumns>();
  for (const [name, value] of entriesAt('slices', document.slices, SLICES_MAX)) {
    const place = `slices[${JSON.stringify(name)}]`;
    if (!name.includes('=')) fail(place, 'expected a name such as channel=web');
    slices.set(name, parseColumns(place, value));
  }
  const calibrations = new Map<string, ColumnCalibration>();
  for (const [name, column] of entriesAt('columns', document.columns, COLUMNS_MAX)) {
    const { calibration } = objectAt(`columns.${name}`, column);
    if (calibration === undefined) continue;
    calibrations.set(name, calibrationAt(`columns.${name}.calibration`, calibration));
  }
  const sets = parseSets('sets', document.sets);
  return { rowCount, columns, slices, calibrations, sets };
}

function parseColumns(place: string, value: unknown): ReferenceColumns {
  const columns = new Map<string, ColumnSketch>();
  for (const [name, column] of entriesAt(place, value, COLUMNS_MAX)) {
    columns.set(name, parseColumn(`${place}.${name}`, column));
  }
  return columns;
}

function parseColumn(place: string, value: unknown): ColumnSketch {
  const column = objectAt(place, value);
  const { type, sketch: encoded } = column;
  if (type !== 'numeric' && type !== 'categorical') {
    fail(`${place}.type`, `${show(type)}, expected "numeric" or "categorical"`);
  }
  const sketch = sketchAt(`${place}.sketch`, encoded, decodeColumnSketch);
  if (sketch.kind !== type) fail(`${place}.sketch`, `is ${sketch.kind}, expected ${type}`);
  // A number edited by hand would otherwise look as if it had an effect.
  const counts = { count: sketch.count, missing: sketch.missingCount };
  for (const [name, expected] of Object.entries(counts)) {
    if (countAt(`${place}.${name}`, column[name]) === expected) continue;
    fail(`${place}.${name}`, `is ${show(column[name])}, but the sketch says ${expected}`);
  }
  return sketch;
}

function calibrationAt(place: string, value: unknown): ColumnCalibration {
  return refusedAt(place, () => parseCalibration(value));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('', (error as Error).message, error);
  }
}
