/**
 * Between cells and tensors, pure: packs the rows of a batch into the model's inputs, and takes the
 * monitor's output columns out of the model's outputs.
 */
import type { Rejection } from '../core/errors.ts';
import type { Monitor, MonitorModel } from '../core/monitor/monitor.ts';
import type {
  ModelBatch,
  ModelDescription,
  ModelOutputs,
  Tensor,
  TensorData,
  TensorType,
} from '../platform/model/model-runtime.ts';

export type Cells = readonly (number | string | null)[];

interface InputPlan {
  readonly tensor: string;
  /** Text inputs are refused when the model is checked against the monitor. */
  readonly type: Exclude<TensorType, 'string'>;
  readonly columns: readonly { readonly name: string; readonly cellIndex: number }[];
}

export interface ModelBatching {
  /** Why this row cannot go into the model, `null` where it can. */
  check(cells: Cells): Rejection | null;
  /** Rows must have passed `check`. */
  pack(rows: readonly Cells[]): ModelBatch;
  /** One entry per row: the output columns, or why the model's answer is unusable. */
  unpack(outputs: ModelOutputs, rowCount: number): readonly (readonly number[] | Rejection)[];
}

export function createModelBatching(
  monitor: Monitor,
  model: MonitorModel,
  description: ModelDescription,
): ModelBatching {
  const inputs = model.inputs.map((input): InputPlan => {
    const tensor = description.inputs.find((candidate) => candidate.name === input.tensor)!;
    const columns = input.columns.map((name) => ({
      name,
      cellIndex: monitor.columns.findIndex((column) => column.name === name),
    }));
    return { tensor: input.tensor, type: tensor.type as InputPlan['type'], columns };
  });

  return {
    check: (cells) => {
      for (const input of inputs) {
        for (const { name, cellIndex } of input.columns) {
          const rejection = checkCell(input, name, cells[cellIndex] ?? null);
          if (rejection !== null) return rejection;
        }
      }
      return null;
    },
    pack: (rows) => ({
      rowCount: rows.length,
      inputs: new Map(inputs.map((input) => [input.tensor, packInput(input, rows)])),
    }),
    unpack: (outputs, rowCount) =>
      Array.from({ length: rowCount }, (_, row) => unpackRow(model, outputs, row)),
  };
}

/** A typed array would wrap what does not fit, and the model would score another row. */
function fits(cell: number, type: InputPlan['type']): boolean {
  if (type === 'bool') return cell === 0 || cell === 1;
  if (type === 'int32') return cell === (cell | 0);
  return Number.isSafeInteger(cell);
}

/** A float input takes a missing value as NaN, which the model may impute; an integer one has none. */
function checkCell(input: InputPlan, name: string, cell: number | string | null): Rejection | null {
  const floating = input.type === 'float32' || input.type === 'float64';
  if (floating && (cell === null || typeof cell === 'number')) return null;
  if (!floating && typeof cell === 'number' && fits(cell, input.type)) return null;
  return {
    code: 'inference.input',
    message: `column ${name} is ${cell === null ? 'missing' : String(cell)}, model input ${input.tensor} expects ${input.type}`,
  };
}

function packInput(input: InputPlan, rows: readonly Cells[]): Tensor {
  const { type, columns } = input;
  const width = columns.length;
  const data = allocate(type, rows.length * width);
  let at = 0;
  for (const cells of rows) {
    for (const { cellIndex } of columns) {
      const cell = cells[cellIndex] ?? null;
      if (data instanceof BigInt64Array) data[at] = BigInt(cell as number);
      else (data as Float64Array)[at] = cell === null ? Number.NaN : Number(cell);
      at += 1;
    }
  }
  return { type, data, width };
}

function allocate(type: InputPlan['type'], length: number): Exclude<TensorData, readonly string[]> {
  switch (type) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'bool':
      return new Uint8Array(length);
  }
}

function unpackRow(
  model: MonitorModel,
  outputs: ModelOutputs,
  row: number,
): readonly number[] | Rejection {
  const values: number[] = [];
  for (const column of model.outputs) {
    const tensor = outputs.get(column.tensor)!;
    const value = Number(tensor.data[row * tensor.width + column.index]);
    if (!Number.isFinite(value)) {
      const message = `output ${column.name} (${column.tensor}[${column.index}]) is ${value}, expected a finite number`;
      return { code: 'inference.output', message };
    }
    values.push(value);
  }
  return values;
}
