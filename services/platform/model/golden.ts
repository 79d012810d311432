/**
 * The golden check: inputs whose outputs were computed where the model was trained, kept beside it as
 * `golden.json`. A version that does not give them again is not the model that was tested.
 *
 *   { "tolerance": 1e-5,
 *     "inputs":  { "features": [[0.1, 2], [0.3, 4]] },
 *     "outputs": { "probability": [[0.9, 0.1], [0.2, 0.8]] } }
 *
 * By tensor name, one entry for each row: a list of the row's elements (nested as the tensor is, row by
 * row), or the element itself where a row has one. Numbers; text for string tensors; true and false for
 * boolean ones; an int64 beyond 2^53 as text. JSON has no NaN: it is `null` or `"NaN"`, and infinities
 * are `"Infinity"` and `"-Infinity"`. Not every output need be there.
 *
 * Floating-point outputs may differ by tolerance × (1 + |expected|); all others are exact.
 */
import { isTransient } from '../../core/errors.ts';
import { BATCH_ROWS_MAX } from '../../core/limits.ts';
import { type GoldenTensor, goldenData } from './golden-tensor.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { LoadedModel, ModelBatch, ModelOutputs, Tensor } from './model-runtime.ts';

export interface Golden {
  /** Where it was read, for messages. */
  readonly file: string;
  readonly tolerance: number;
  readonly rowCount: number;
  readonly inputs: ReadonlyMap<string, GoldenTensor>;
  /** At least one. */
  readonly outputs: ReadonlyMap<string, GoldenTensor>;
}

const TOLERANCE = 1e-5;
/** Rows of one run: a hot swap must not hold up the events that are scored meanwhile. */
const RUN_ROWS_MAX = 32;
/** More say nothing new. */
const MISTAKES_MAX = 10;

/** Throws `configuration.model` naming the file and the place in it. */
export function parseGolden(file: string, text: string): Golden {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuseModel(file, `not valid JSON: ${messageOf(error)}`, error);
  }
  const root = objectAt(file, '', value);
  for (const key of Object.keys(root)) {
    if (['tolerance', 'inputs', 'outputs'].includes(key)) continue;
    throw refuseModel(file, `unknown field ${key}, expected tolerance, inputs and outputs`);
  }
  const { tolerance = TOLERANCE } = root;
  if (typeof tolerance !== 'number' || !(tolerance >= 0)) {
    const found = JSON.stringify(tolerance).slice(0, 80);
    throw refuseModel(file, `tolerance: found ${found}, expected a number, 0 or more`);
  }
  const inputs = tensorsAt(file, 'inputs', root.inputs);
  const outputs = tensorsAt(file, 'outputs', root.outputs);
  const [first] = inputs.keys();
  const rowCount = inputs.get(first!)!.length;
  if (rowCount < 1 || rowCount > BATCH_ROWS_MAX) {
    const expected = `expected 1 to ${BATCH_ROWS_MAX}`;
    throw refuseModel(file, `inputs.${first}: found ${rowCount} rows, ${expected}`);
  }
  for (const [place, tensors] of Object.entries({ inputs, outputs })) {
    for (const [name, rows] of tensors) {
      if (rows.length === rowCount) continue;
      const expected = `expected ${rowCount} as in inputs.${first}`;
      throw refuseModel(file, `${place}.${name}: found ${rows.length} rows, ${expected}`);
    }
  }
  return { file, tolerance, rowCount, inputs, outputs };
}

function tensorsAt(file: string, place: string, value: unknown): Map<string, GoldenTensor> {
  const entries = Object.entries(objectAt(file, place, value));
  if (entries.length === 0) throw refuseModel(file, `${place}: expected at least one tensor`);
  return new Map(
    entries.map(([name, rows]) => {
      if (Array.isArray(rows)) return [name, rows.map(elementsOf)];
      throw refuseModel(file, `${place}.${name}: expected a list with an entry for each row`);
    }),
  );
}

function elementsOf(row: unknown): readonly unknown[] {
  return Array.isArray(row) ? row.flatMap(elementsOf) : [row];
}

function objectAt(file: string, place: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw refuseModel(file, `${place === '' ? '' : `${place}: `}expected an object`);
}

/**
 * What the model does not give as the file says, by output, row and element; empty where all is well.
 * Rejects only with what is transient, such as a lost thread: that says nothing of the model.
 */
export async function verifyGolden(model: LoadedModel, golden: Golden): Promise<readonly string[]> {
  const { inputs, outputs, batchRowsFixed } = model.description;
  const mistakes: string[] = [];
  const batch = new Map<string, Tensor>();
  for (const description of inputs) {
    const rows = golden.inputs.get(description.name);
    if (rows === undefined) mistakes.push(`inputs.${description.name} is missing`);
    else {
      const data = goldenData(rows, description);
      if (typeof data === 'string') mistakes.push(`inputs.${description.name}${data}`);
      else batch.set(description.name, data);
    }
  }
  for (const name of golden.inputs.keys()) {
    if (inputs.some((input) => input.name === name)) continue;
    mistakes.push(`inputs.${name}: the model has no such input`);
  }
  const expected = new Map<string, Tensor>();
  for (const [name, rows] of golden.outputs) {
    const description = outputs.find((output) => output.name === name);
    const data =
      description === undefined ? ': the model has no such output' : goldenData(rows, description);
    if (typeof data === 'string') mistakes.push(`outputs.${name}${data}`);
    else expected.set(name, data);
  }
  if (mistakes.length > 0) return mistakes;

  const rowsMax = Math.min(batchRowsFixed ?? RUN_ROWS_MAX, RUN_ROWS_MAX);
  for (let from = 0; from < golden.rowCount; from += rowsMax) {
    const rowCount = Math.min(rowsMax, golden.rowCount - from);
    let found: ModelOutputs;
    try {
      found = (await model.run(rowsOf(batch, from, rowCount))).outputs;
    } catch (error) {
      if (isTransient(error)) throw error;
      return [`the model fails on rows ${from} to ${from + rowCount - 1}: ${messageOf(error)}`];
    }
    for (const [name, tensor] of expected) {
      compare(
        { name, expected: tensor, found: found.get(name)!, from, rowCount },
        golden,
        mistakes,
      );
    }
  }
  if (mistakes.length <= MISTAKES_MAX) return mistakes;
  const more = mistakes.length - MISTAKES_MAX;
  return [...mistakes.slice(0, MISTAKES_MAX), `and ${more} more`];
}

function rowsOf(inputs: ReadonlyMap<string, Tensor>, from: number, rowCount: number): ModelBatch {
  const cut = [...inputs].map(([name, { type, data, width }]): [string, Tensor] => {
    return [name, { type, data: data.slice(from * width, (from + rowCount) * width), width }];
  });
  return { rowCount, inputs: new Map(cut) };
}

interface Comparison {
  readonly name: string;
  /** All rows of the file. */
  readonly expected: Tensor;
  /** `rowCount` rows, the first of them row `from` of the file. */
  readonly found: Tensor;
  readonly from: number;
  readonly rowCount: number;
}

function compare(comparison: Comparison, { tolerance }: Golden, mistakes: string[]): void {
  const { name, expected, found, from, rowCount } = comparison;
  const { width } = expected;
  if (found.width !== width || found.type !== expected.type) {
    const is = `${found.type} of ${found.width} elements a row`;
    mistakes.push(`outputs.${name}: found ${is}, expected ${expected.type} of ${width}`);
    return;
  }
  const isFloat = found.type === 'float32' || found.type === 'float64';
  for (let at = 0; at < rowCount * width; at += 1) {
    const [is, wanted] = [found.data[at]!, expected.data[from * width + at]!];
    if (isFloat ? isNear(is as number, wanted as number, tolerance) : is === wanted) continue;
    const place = `row ${from + Math.floor(at / width)}, element ${at % width}`;
    mistakes.push(`outputs.${name}, ${place}: found ${show(is)}, expected ${show(wanted)}`);
  }
}

/** NaN equals NaN, an infinity itself alone. */
function isNear(found: number, expected: number, tolerance: number): boolean {
  if (Object.is(found, expected) || found === expected) return true;
  if (!Number.isFinite(expected)) return false;
  return Math.abs(found - expected) <= tolerance * (1 + Math.abs(expected));
}

function show(value: number | bigint | string): string {
  return typeof value === 'string' ? JSON.stringify(value).slice(0, 80) : String(value);
}
