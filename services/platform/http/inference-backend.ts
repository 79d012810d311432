/**
 * Port: what answers the requests of the inference server. The inference worker is one; the server
 * knows neither its batcher nor where its versions come from.
 */
import type { ModelBatch, ModelDescription, ModelOutputs } from '../model/model-runtime.ts';

export interface ServedVersion {
  readonly version: string;
  readonly description: ModelDescription;
  /** What the rollout makes of it; exactly one is `primary`, once there is any. */
  readonly variant: string;
  readonly ready: boolean;
}

export interface BackendRequest {
  /** `null`: the primary. */
  readonly version: string | null;
  /** The caller's, or one made for this request. */
  readonly id: string;
  /** Fits the description of the version; its arrays are the backend's from here on. */
  readonly batch: ModelBatch;
  /** From now on; `null` where the caller did not name one. */
  readonly deadlineMs: number | null;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface BackendAnswer {
  /** The version that answered. */
  readonly version: string;
  readonly outputs: ModelOutputs;
}

export interface InferenceBackend {
  /** The model's name in every path: the monitor's name. */
  readonly name: string;
  ready(): boolean;
  versions(): readonly ServedVersion[];
  /**
   * Rejects with a `CodedError`. The messages of `inference.input`, `.output`, `.deadline`, `.overload`
   * and `.circuit` are shown to the caller, any other is not.
   */
  infer(request: BackendRequest): Promise<BackendAnswer>;
}
