/**
 * Between cells and tensors, pure: says which rows a model version cannot take, packs the others into
 * its inputs, and takes the monitor's output columns out of its outputs.
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

export type Cell = number | string | null;
export type Cells = readonly Cell[];

interface InputPlan {
  readonly tensor: string;
  readonly type: TensorType;
  readonly columns: readonly { readonly name: string; readonly cellIndex: number }[];
}

export interface ModelBatching {
  /** Of the inputs: versions with the same one take the same packed rows. */
  readonly layout: string;
  /** Where the cells of its inputs are, in the order of the inputs. */
  readonly cellIndices: readonly number[];
  /** Why this row cannot go into the model, `null` where it can. */
  check(cells: Cells): Rejection | null;
  /** Rows must have passed `check`. */
  pack(rows: readonly Cells[]): ModelBatch;
  /** The output columns of one row, or why the model's answer is unusable. */
  unpackRow(outputs: ModelOutputs, row: number): readonly number[] | Rejection;
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
    return { tensor: input.tensor, type: tensor.type, columns };
  });

  return {
    layout: JSON.stringify(inputs),
    cellIndices: inputs.flatMap(({ columns }) => columns.map(({ cellIndex }) => cellIndex)),
    check: (cells) => {
      for (const input of inputs) {
        for (const { name, cellIndex } of input.columns) {
          const cell = cells[cellIndex] ?? null;
          if (!canTake(input.type, cell)) return refuse(input, name, cell);
        }
      }
      return null;
    },
    pack: (rows) => ({
      rowCount: rows.length,
      inputs: new Map(inputs.map((input) => [input.tensor, packInput(input, rows)])),
    }),
    unpackRow: (outputs, row) => unpackRow(model, outputs, row),
  };
}

/**
 * A float input takes a missing value as NaN, which the model may impute, a text input as empty text;
 * the others have none. A typed array would wrap what does not fit, and the model score another row.
 */
function canTake(type: TensorType, cell: Cell): boolean {
  switch (type) {
    case 'float32':
    case 'float64':
      return cell === null || typeof cell === 'number';
    case 'string':
      return cell === null || typeof cell === 'string';
    case 'bool':
      return cell === 0 || cell === 1 || cell === 'true' || cell === 'false';
    case 'int32':
      return typeof cell === 'number' && cell === (cell | 0);
    case 'int64':
      return Number.isSafeInteger(cell);
  }
}

function refuse(input: InputPlan, column: string, cell: Cell): Rejection {
  const found = cell === null ? 'missing' : JSON.stringify(cell).slice(0, 60);
  const message = `column ${column} is ${found}, model input ${input.tensor} expects ${input.type}`;
  return { code: 'inference.input', message };
}

function packInput({ type, columns }: InputPlan, rows: readonly Cells[]): Tensor {
  const width = columns.length;
  const data = allocate(type, rows.length * width);
  let at = 0;
  for (const cells of rows) {
    for (const { cellIndex } of columns) {
      const cell = cells[cellIndex] ?? null;
      if (data instanceof BigInt64Array) data[at] = BigInt(cell as number);
      else if (Array.isArray(data)) data[at] = (cell as string | null) ?? '';
      else if (type === 'bool') (data as Uint8Array)[at] = cell === 1 || cell === 'true' ? 1 : 0;
      else (data as Float64Array)[at] = cell === null ? Number.NaN : (cell as number);
      at += 1;
    }
  }
  return { type, data, width };
}

function allocate(type: TensorType, length: number): TensorData | string[] {
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
    case 'string':
      return new Array<string>(length);
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

/** Rows `[from, to)` of a packed block, without a copy. */
export function rowsOf(batch: ModelBatch, from: number, to: number): ModelBatch {
  if (from === 0 && to === batch.rowCount) return batch;
  const inputs = new Map<string, Tensor>();
  for (const [name, { type, data, width }] of batch.inputs) {
    const [start, end] = [from * width, to * width];
    const part = 'subarray' in data ? data.subarray(start, end) : data.slice(start, end);
    inputs.set(name, { type, data: part, width });
  }
  return { rowCount: to - from, inputs };
}
