/**
 * One input of an inference request, from parsed JSON straight into a typed array. Every element is
 * looked at, see inference-elements.ts.
 *
 * ```
 * shape   [rows, …]            as the model describes it, rows from 1 to BATCH_ROWS_MAX
 * data    [1, 2, 3, 4]         flat, row-major
 *         [[1, 2], [3, 4]]     or nested by shape
 * ```
 */
import { CodedError } from '../../core/errors.ts';
import { BATCH_ROWS_MAX } from '../../core/limits.ts';
import type { Tensor, TensorDescription } from '../model/model-runtime.ts';
import { DATATYPES, kindOf, metadataOf, quoted } from './inference-datatype.ts';
import { elementsOf } from './inference-elements.ts';

export interface RequestInput {
  readonly name: string;
  readonly shape: unknown;
  readonly datatype: unknown;
  readonly data: unknown;
}

export interface ParsedTensor {
  readonly rowCount: number;
  readonly tensor: Tensor;
}

/** Throws `inference.input` naming the input, what was found and what was expected. */
export function parseTensor(input: RequestInput, description: TensorDescription): ParsedTensor {
  const { type } = description;
  if (input.datatype !== DATATYPES[type]) {
    const found =
      typeof input.datatype === 'string' ? quoted(input.datatype) : kindOf(input.datatype);
    throw refusal(input.name, `has datatype ${found}, expected "${DATATYPES[type]}"`);
  }
  const shape = checkShape(input, description);
  const leaves = leavesOf(input, shape);
  const count = shape.reduce((product, length) => product * length, 1);
  const width = count / shape[0]!;

  const { allocate, expected, fill } = elementsOf(type);
  const data = allocate(count);
  let at = 0;
  for (const leaf of leaves) {
    const bad = fill(leaf, data, at);
    if (bad >= 0) {
      const where = `element ${at + bad} (row ${Math.floor((at + bad) / width)})`;
      throw refusal(input.name, `${where} is ${kindOf(leaf[bad])}, expected ${expected}`);
    }
    at += leaf.length;
  }
  return { rowCount: shape[0]!, tensor: { type, data, width } };
}

function checkShape({ name, shape }: RequestInput, description: TensorDescription): number[] {
  const expected = metadataOf(description).shape;
  const wanted = `expected [${['rows', ...expected.slice(1)].join(', ')}]`;
  if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length))) {
    throw refusal(name, `has a shape that is not an array of whole numbers, ${wanted}`);
  }
  const fits =
    shape.length === expected.length &&
    shape.every((length, axis) => (expected[axis] === -1 ? length > 0 : length === expected[axis]));
  if (!fits) {
    const found = shape.length > 16 ? `${shape.length} dimensions` : `shape [${shape.join(', ')}]`;
    throw refusal(name, `has ${found}, ${wanted}, every length above 0`);
  }
  if (shape[0] > BATCH_ROWS_MAX) {
    throw refusal(name, `has ${shape[0]} rows, at most ${BATCH_ROWS_MAX} fit into one request`);
  }
  return shape;
}

/** The arrays that hold the elements, in order: one where the data is flat, else one per innermost row. */
function leavesOf({ name, data }: RequestInput, shape: readonly number[]): readonly unknown[][] {
  if (!Array.isArray(data)) {
    throw refusal(name, `has data that is ${kindOf(data)}, expected an array`);
  }
  const count = shape.reduce((product, length) => product * length, 1);
  if (shape.length === 1 || !Array.isArray(data[0])) {
    if (data.length === count) return [data];
    throw refusal(name, `has ${data.length} elements, shape [${shape.join(', ')}] has ${count}`);
  }
  let level: unknown[][] = [data];
  for (let axis = 0; axis < shape.length; axis += 1) {
    const astray = level.find((part) => !Array.isArray(part) || part.length !== shape[axis]);
    if (astray !== undefined) {
      const found = Array.isArray(astray) ? `${astray.length} elements` : kindOf(astray);
      const where = `data does not fit shape [${shape.join(', ')}]: dimension ${axis}`;
      throw refusal(name, `${where} has ${found}, expected ${shape[axis]} elements`);
    }
    if (axis < shape.length - 1) level = level.flat() as unknown[][];
  }
  return level;
}

function refusal(name: string, what: string): CodedError {
  return new CodedError('inference.input', `input ${quoted(name)} ${what}`);
}
