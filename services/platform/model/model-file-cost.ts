/**
 * What a row of a loaded model costs in batches of several sizes, by running them. Floats are drawn
 * over a range, as a tree that always takes the same branch costs less than one that does not;
 * everything else is zero, empty or a category that the model knows.
 */
import { BATCH_ROWS_MAX, INLINE_RUN_MS_MAX } from '../../core/limits.ts';
import type { CategoryExamples } from './category-examples.ts';
import { choosePlacement } from './model-cost.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelDescription,
  Placement,
  Tensor,
  TensorDescription,
} from './model-runtime.ts';
import { exampleTensor } from './onnx-tensor.ts';

export interface BatchCost {
  readonly rowCount: number;
  /** The median over several runs. */
  readonly runMs: number;
  readonly rowMs: number;
}

const SIZES = [1, 4, 16, 64, 256, BATCH_ROWS_MAX] as const;
const RUNS_MAX = 51;
/** No further runs of one size after this long … */
const SIZE_BUDGET_MS = 150;
/** … and no larger sizes once one run takes this long. */
const RUN_MS_ENOUGH = 1_000;

type Examples = readonly (string | number | null)[];

/** Spread over [-2, 2] and never the same twice: the multiples of the golden ratio. */
function fillFloats(
  data: Float32Array | Float64Array,
  { width, examples }: { readonly width: number; readonly examples: Examples },
): void {
  for (let index = 0; index < data.length; index++) {
    const isCategory = (examples[index % width] ?? null) !== null;
    if (!isCategory) data[index] = 4 * ((index * 0.6180339887498949) % 1) - 2;
  }
}

function sampleTensor(input: TensorDescription, rowCount: number, examples: Examples): Tensor {
  const tensor = exampleTensor(input, rowCount, examples);
  const { data, width } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    fillFloats(data, { width, examples });
  }
  return tensor;
}

/** `examples`: a category that the model knows, for each column that needs one. */
export function sampleBatch(
  { inputs }: ModelDescription,
  rowCount: number,
  examples: CategoryExamples = new Map(),
): ModelBatch {
  const tensors = inputs.map(
    (input) => [input.name, sampleTensor(input, rowCount, examples.get(input.name) ?? [])] as const,
  );
  return { rowCount, inputs: new Map(tensors) };
}

async function medianRunMs(model: LoadedModel, batch: ModelBatch): Promise<number> {
  const durationsMs: number[] = [];
  let totalMs = 0;
  // The first run of a size allocates.
  await model.run(batch);
  do {
    const { durationMs } = await model.run(batch);
    durationsMs.push(durationMs);
    totalMs += durationMs;
  } while (durationsMs.length < RUNS_MAX && totalMs < SIZE_BUDGET_MS);
  durationsMs.sort((a, b) => a - b);
  return durationsMs[durationsMs.length >> 1]!;
}

/** Ascending by size; a model with a fixed batch dimension is measured at that size alone. */
export async function measureBatchCosts(
  model: LoadedModel,
  examples: CategoryExamples,
): Promise<readonly BatchCost[]> {
  const { batchRowsFixed } = model.description;
  const costs: BatchCost[] = [];
  for (const rowCount of batchRowsFixed === null ? SIZES : [batchRowsFixed]) {
    const runMs = await medianRunMs(model, sampleBatch(model.description, rowCount, examples));
    costs.push({ rowCount, runMs, rowMs: runMs / rowCount });
    if (runMs >= RUN_MS_ENOUGH) break;
  }
  return costs;
}

/** Where a worker would run it first; from more runs than a worker takes the time for. */
export function suggestPlacement(
  costs: readonly BatchCost[],
  batchRowsFixed: number | null,
): Placement {
  // Beyond the first batch that is too long to run inline nothing is learned of those that are not.
  const tooLong = costs.findIndex(({ runMs }) => runMs >= INLINE_RUN_MS_MAX);
  const telling = tooLong === -1 ? costs : costs.slice(0, tooLong + 1);
  const samples = telling.map(({ rowCount, runMs }) => ({ rowCount, durationMs: runMs }));
  return choosePlacement(samples, batchRowsFixed ?? BATCH_ROWS_MAX);
}
