/**
 * Checks a batch against the model's inputs before any compute: ONNX Runtime would report a wrong
 * width as a failure of the model, and some operators read a short row past its end.
 */
import { CodedError } from '../../core/errors.ts';
import type { ModelBatch, Tensor, TensorDescription } from './model-runtime.ts';
import { holdsType, rowWidth } from './onnx-tensor.ts';

function tensorFault(
  tensor: Tensor,
  description: TensorDescription,
  rowCount: number,
): string | null {
  const width = rowWidth(description);
  if (tensor.type !== description.type) {
    return `is ${tensor.type}, the model takes ${description.type}`;
  }
  if (!holdsType(tensor.data, tensor.type)) {
    return `says ${tensor.type} but its data is a ${tensor.data.constructor.name}`;
  }
  if (tensor.width !== width) {
    return `has ${tensor.width} elements a row, the model takes ${width}`;
  }
  if (tensor.data.length !== rowCount * width) {
    return `has ${tensor.data.length} elements, ${rowCount} rows of ${width} are ${rowCount * width}`;
  }
  if (tensor.type === 'string' && !tensor.data.every((value) => typeof value === 'string')) {
    return 'holds an element that is not a string';
  }
  return null;
}

/** Throws `inference.input` naming the tensor. */
export function checkModelBatch(batch: ModelBatch, inputs: readonly TensorDescription[]): void {
  const { rowCount } = batch;
  if (!Number.isInteger(rowCount) || rowCount < 1) {
    throw new CodedError('inference.input', `a batch has at least one row, not ${rowCount}`);
  }
  for (const description of inputs) {
    const tensor = batch.inputs.get(description.name);
    const fault = tensor === undefined ? 'is missing' : tensorFault(tensor, description, rowCount);
    if (fault !== null) {
      throw new CodedError('inference.input', `input ${description.name} ${fault}`);
    }
  }
  if (batch.inputs.size === inputs.length) return;
  for (const name of batch.inputs.keys()) {
    if (inputs.some((description) => description.name === name)) continue;
    throw new CodedError('inference.input', `the model has no input named ${name}`);
  }
}
