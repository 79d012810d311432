/**
 * Checks a batch against the model's inputs before any compute: ONNX Runtime would report a wrong
 * width as a failure of the model, and some operators read a short row past its end.
 *
 * The cost does not depend on the rows, except for strings of a batch that the caller keeps: of an
 * owned one they are believed, and ONNX Runtime finds what is none.
 */
import { CodedError } from '../../core/errors.ts';
import type { ModelBatch, Tensor, TensorDescription } from './model-runtime.ts';
import { holdsType, rowWidth } from './onnx-tensor.ts';

/** Throws `inference.input` naming the tensor. */
export type CheckModelBatch = (batch: ModelBatch, isOwned: boolean) => void;

interface ExpectedInput {
  readonly name: string;
  readonly type: Tensor['type'];
  readonly width: number | null;
}

function tensorFault(tensor: Tensor, expected: ExpectedInput, rowCount: number): string | null {
  const { type, width } = expected;
  if (tensor.type !== type) return `is ${tensor.type}, the model takes ${type}`;
  if (!holdsType(tensor.data, type)) {
    return `says ${type} but its data is a ${tensor.data.constructor.name}`;
  }
  if (tensor.width !== width) {
    return `has ${tensor.width} elements a row, the model takes ${width}`;
  }
  if (tensor.data.length !== rowCount * width) {
    return `has ${tensor.data.length} elements, ${rowCount} rows of ${width} are ${rowCount * width}`;
  }
  return null;
}

function stringFault(tensor: Tensor): string | null {
  if (tensor.type !== 'string' || tensor.data.every((value) => typeof value === 'string')) {
    return null;
  }
  return 'holds an element that is not a string';
}

export function createBatchCheck(
  inputs: readonly TensorDescription[],
  batchRowsFixed: number | null,
): CheckModelBatch {
  const expected = inputs.map((input): ExpectedInput => {
    return { name: input.name, type: input.type, width: rowWidth(input) };
  });
  const rowsMax = batchRowsFixed ?? Number.MAX_SAFE_INTEGER;

  function refuseRowCount(rowCount: number): CodedError {
    const found = Number.isInteger(rowCount) && rowCount >= 1;
    const says = found
      ? `the model's fixed batch dimension takes ${batchRowsFixed} rows at most, not ${rowCount}`
      : `a batch has at least one row, not ${rowCount}`;
    return new CodedError('inference.input', says);
  }

  return (batch, isOwned) => {
    const { rowCount } = batch;
    if (!Number.isInteger(rowCount) || rowCount < 1 || rowCount > rowsMax) {
      throw refuseRowCount(rowCount);
    }
    for (const input of expected) {
      const tensor = batch.inputs.get(input.name);
      const fault =
        tensor === undefined
          ? 'is missing'
          : (tensorFault(tensor, input, rowCount) ?? (isOwned ? null : stringFault(tensor)));
      if (fault !== null) throw new CodedError('inference.input', `input ${input.name} ${fault}`);
    }
    if (batch.inputs.size === expected.length) return;
    for (const name of batch.inputs.keys()) {
      if (expected.some((input) => input.name === name)) continue;
      throw new CodedError('inference.input', `the model has no input named ${name}`);
    }
  };
}
