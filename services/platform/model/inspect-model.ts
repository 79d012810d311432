/**
 * Reads what a model takes and gives from the session's metadata, and refuses, with the name of the
 * tensor, what this pipeline cannot feed or read.
 *
 * An input's rows have a fixed shape: with a dynamic width nobody could tell a missing feature from a
 * short row. The batch dimension is dynamic, or one fixed number of rows that all inputs share.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { BATCH_ROWS_MAX } from '../../core/limits.ts';
import { refuseModel } from './model-error.ts';
import type { TensorDescription, TensorType } from './model-runtime.ts';
import { isTensorType } from './onnx-tensor.ts';

type ValueMetadata = InferenceSession.ValueMetadata;

export interface DescribedInputs {
  readonly inputs: readonly TensorDescription[];
  /** `null`: dynamic. */
  readonly batchRowsFixed: number | null;
}

interface DeclaredTensor {
  readonly name: string;
  readonly type: TensorType;
  /** All dimensions; `null` is dynamic, empty is undeclared. */
  readonly dimensions: readonly (number | null)[];
}

function readTensor(file: string, role: 'input' | 'output', value: ValueMetadata): DeclaredTensor {
  const named = `${role} ${JSON.stringify(value.name)}`;
  if (!value.isTensor) {
    throw refuseModel(
      file,
      `${named} is a sequence, map or optional; only tensors can be exchanged`,
    );
  }
  if (!isTensorType(value.type)) {
    throw refuseModel(file, `${named} has the unsupported element type ${value.type}`);
  }
  const dimensions = value.shape.map((entry) => (typeof entry === 'number' ? entry : null));
  return { name: value.name, type: value.type, dimensions };
}

/** The one number of rows that all fixed inputs declare. */
function fixedRows(file: string, tensors: readonly DeclaredTensor[]): number | null {
  const fixed = tensors.filter(({ dimensions }) => dimensions[0] !== null);
  const [first] = fixed;
  if (first === undefined) return null;
  const rows = first.dimensions[0]!;
  const named = `input ${JSON.stringify(first.name)} has a fixed batch dimension of ${rows}`;
  if (rows < 1 || rows > BATCH_ROWS_MAX) {
    throw refuseModel(
      file,
      `${named}, not of 1 to ${BATCH_ROWS_MAX}; export it with a dynamic one`,
    );
  }
  const other = fixed.find(({ dimensions }) => dimensions[0] !== rows);
  if (other !== undefined) {
    throw refuseModel(
      file,
      `${named}, input ${JSON.stringify(other.name)} one of ${other.dimensions[0]}; they take the same rows`,
    );
  }
  return rows;
}

export function describeInputs(file: string, metadata: readonly ValueMetadata[]): DescribedInputs {
  if (metadata.length === 0) throw refuseModel(file, 'it has no inputs');
  const tensors = metadata.map((value) => readTensor(file, 'input', value));
  const inputs = tensors.map(({ name, type, dimensions }) => {
    const named = `input ${JSON.stringify(name)}`;
    const [batch, ...shape] = dimensions;
    if (batch === undefined) throw refuseModel(file, `${named} declares no batch dimension`);
    if (shape.some((dimension) => dimension === null || dimension < 1)) {
      throw refuseModel(
        file,
        `${named} has a dynamic row shape; export it with the number of features, e.g. [None, 5]`,
      );
    }
    return { name, type, shape };
  });
  return { inputs, batchRowsFixed: fixedRows(file, tensors) };
}

/** An output's row shape as declared, or `[]` where nothing is; the warm-up run has the last word. */
export function describeOutputs(
  file: string,
  metadata: readonly ValueMetadata[],
): readonly TensorDescription[] {
  if (metadata.length === 0) throw refuseModel(file, 'it has no outputs');
  return metadata.map((value) => {
    const { name, type, dimensions } = readTensor(file, 'output', value);
    return { name, type, shape: dimensions.slice(1) };
  });
}
