/** Tensors between the nodes of an ensemble: made, sliced by rows and laid side by side. */
import type { ModelBatch, Tensor } from './model-runtime.ts';

/** The same rows, typed arrays as views. */
export function sliceRows(batch: ModelBatch, from: number, to: number): ModelBatch {
  const inputs = new Map<string, Tensor>();
  for (const [name, { type, data, width }] of batch.inputs) {
    const [start, end] = [from * width, to * width];
    const rows = 'subarray' in data ? data.subarray(start, end) : data.slice(start, end);
    inputs.set(name, { type, data: rows, width });
  }
  return { rowCount: to - from, inputs };
}

/** Elements of any type by index, for copying between arrays of one. */
type Elements = { [index: number]: number | bigint | string };

/** `rows` into the rows of `into` from `fromRow` on. */
export function copyRows(rows: Tensor, into: Tensor, fromRow: number): void {
  const target = into.data as Elements;
  const start = fromRow * into.width;
  for (let i = 0; i < rows.data.length; i++) target[start + i] = rows.data[i]!;
}

/** The sources' columns beside one another, into a blank tensor; numbers become the target's. */
export function layColumns(sources: readonly Tensor[], into: Tensor, rowCount: number): void {
  const target = into.data as Elements;
  const isConverted = into.type === 'float32' || into.type === 'float64';
  let offset = 0;
  for (const { data, width } of sources) {
    for (let row = 0; row < rowCount; row++) {
      for (let column = 0; column < width; column++) {
        const value = data[row * width + column]!;
        target[row * into.width + offset + column] = isConverted ? Number(value) : value;
      }
    }
    offset += width;
  }
}
