/**
 * Port: loads a model and runs batches through it.
 *
 * Guarantees an adapter gives (held by test/contract/model-runtime.contract.ts):
 * - `load` refuses what it cannot run, with `configuration.model` and the reason, and warms the model
 *   up before it resolves;
 * - `run` keeps the row order, leaves inputs that it does not own untouched, and fails as a whole or
 *   not at all;
 * - a non-finite value of one row changes the outputs of that row only.
 */

export type TensorType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool' | 'string';

export interface TensorDescription {
  readonly name: string;
  readonly type: TensorType;
  /** One entry per dimension after the batch dimension; `null` is dynamic. */
  readonly shape: readonly (number | null)[];
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | readonly string[];

export interface Tensor {
  readonly type: TensorType;
  /** Row-major, `rowCount × width` elements. */
  readonly data: TensorData;
  /** Elements per row. */
  readonly width: number;
}

export interface ModelBatch {
  readonly rowCount: number;
  /** By input name; every input of the model must be there. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** By output name, each `rowCount` rows. */
export type ModelOutputs = ReadonlyMap<string, Tensor>;

export type Placement = 'inline' | 'workers';

export interface CostSample {
  readonly rowCount: number;
  readonly durationMs: number;
}

export interface ModelDescription {
  /** SHA-256 of the model file, hex. */
  readonly digest: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Where the model has a fixed batch dimension: a run takes at most so many rows and costs as many. */
  readonly batchRowsFixed: number | null;
  /** Runs of growing size on one thread, measured at load. */
  readonly costSamples: readonly CostSample[];
}

export interface ModelRun {
  readonly outputs: ModelOutputs;
  /** Of the run alone, on the thread that made it: neither waiting nor the way there and back. */
  readonly durationMs: number;
}

export interface RunOptions {
  /** The batch's arrays are the model's from here on: they may be moved instead of copied. */
  readonly owned?: boolean;
}

export interface LoadedModel {
  readonly description: ModelDescription;
  /** Where the next batch runs. */
  readonly placement: Placement;
  /** False where opening it inline would hold the event loop: it goes there only if it is made to. */
  readonly isInlineable: boolean;
  /** Batches worth having in flight where the model is placed: 1 inline, 2 for each worker. */
  readonly batchesInFlightMax: number;
  /** Resolves when the next batch runs there; batches in flight are not disturbed. */
  place(placement: Placement): Promise<void>;
  /**
   * Rejects with `inference.input` or `inference.run` where the batch is at fault, and with
   * `inference.worker` where the thread ended or is stuck: then the same batch may be run again.
   */
  run(batch: ModelBatch, options?: RunOptions): Promise<ModelRun>;
  close(): Promise<void>;
}

export interface LoadOptions {
  readonly file: string;
  /** Where it runs first. `auto`: inline while a run of a useful size stays short, else workers. */
  readonly placement: Placement | 'auto';
  /** Worker threads, one session each, while placed on workers. */
  readonly workerCount: number;
  /** Intra-op threads of each session. */
  readonly threadCount: number;
  /** The largest batch to come; every power of two up to it is warmed up before `load` resolves. */
  readonly rowsMax: number;
}

export interface ModelRuntime {
  /** Cores that this thread and the workers of all models share. */
  readonly coreCount: number;
  load(options: LoadOptions): Promise<LoadedModel>;
}
