/**
 * Port: loads a model and runs batches through it.
 *
 * Guarantees an adapter gives (held by test/contract/model-runtime.contract.ts):
 * - `load` refuses what it cannot run, with `configuration.model` and the reason, and warms the model
 *   up before it resolves;
 * - `run` keeps the row order, never mutates its inputs, and fails as a whole or not at all;
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

export interface ModelDescription {
  /** SHA-256 of the model file, hex. */
  readonly digest: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly placement: Placement;
  /** Measured at load: predicted milliseconds of a run of n rows are `fixedMs + n × perRowMs`. */
  readonly cost: { readonly fixedMs: number; readonly perRowMs: number };
}

export interface LoadedModel {
  readonly description: ModelDescription;
  /** Rows at which an inline run stays under the event-loop budget; workers take full batches. */
  readonly rowsPerRunMax: number;
  run(batch: ModelBatch): Promise<ModelOutputs>;
  close(): Promise<void>;
}

export interface LoadOptions {
  readonly file: string;
  /** `auto`: inline while a run of a useful size stays short, else worker threads. */
  readonly placement: Placement | 'auto';
  /** Worker threads, one session each, when placed on workers. */
  readonly workerCount: number;
}

export interface ModelRuntime {
  load(options: LoadOptions): Promise<LoadedModel>;
}
