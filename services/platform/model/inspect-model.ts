/**
 * Reads what a model takes and gives from the session's metadata, and refuses, with the name of the
 * tensor, what this pipeline cannot feed or read.
 *
 * An input needs a dynamic batch dimension and a fixed rest: a fixed batch would take no
 * micro-batch, and with a dynamic width nobody could tell a missing feature from a short row.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { refuseModel } from './model-error.ts';
import type { TensorDescription, TensorType } from './model-runtime.ts';
import { isTensorType } from './onnx-tensor.ts';

type ValueMetadata = InferenceSession.ValueMetadata;

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

export function describeInputs(
  file: string,
  metadata: readonly ValueMetadata[],
): readonly TensorDescription[] {
  if (metadata.length === 0) throw refuseModel(file, 'it has no inputs');
  return metadata.map((value) => {
    const { name, type, dimensions } = readTensor(file, 'input', value);
    const named = `input ${JSON.stringify(name)}`;
    const [batch, ...shape] = dimensions;
    if (batch === undefined) throw refuseModel(file, `${named} declares no batch dimension`);
    if (batch !== null) {
      throw refuseModel(
        file,
        `${named} has a fixed batch dimension of ${batch}; export it with a dynamic first dimension`,
      );
    }
    if (shape.some((dimension) => dimension === null || dimension < 1)) {
      throw refuseModel(
        file,
        `${named} has a dynamic row shape; export it with the number of features, e.g. [None, 5]`,
      );
    }
    return { name, type, shape };
  });
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
