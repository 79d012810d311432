/**
 * An ensemble: models and combiners whose outputs feed one another, `ensemble.yaml` after parsing.
 * Made by platform/config, trusted everywhere else: every node is reachable from an output, every
 * reference names a node, and none leads back to where it came from.
 */

/** The one output of a combiner. */
export const COMBINED_TENSOR = 'value';

/** `trees.probability`: an output tensor of a node. */
export interface TensorReference {
  readonly node: string;
  readonly tensor: string;
}

export interface ModelNode {
  readonly kind: 'model';
  readonly name: string;
  /** Of the ONNX file, in the version's folder. */
  readonly file: string;
  /** Inputs made of other nodes' outputs, column beside column; every other one is the ensemble's. */
  readonly inputs: ReadonlyMap<string, readonly TensorReference[]>;
}

export type CombinerNode =
  | {
      /**
       * `mean`: element by element. `vote`: the value most members give, element by element, the
       * first listed where several are given equally often. `first`: row by row, of the first member
       * that neither failed nor gave a value that is not finite.
       */
      readonly kind: 'mean' | 'vote' | 'first';
      readonly name: string;
      readonly members: readonly TensorReference[];
    }
  | {
      readonly kind: 'weighted';
      readonly name: string;
      readonly members: readonly TensorReference[];
      /** Aligned with the members; they add up to 1. */
      readonly weights: readonly number[];
    };

export type EnsembleNode = ModelNode | CombinerNode;

export interface EnsembleSpec {
  /** Each after all that it reads. */
  readonly nodes: readonly EnsembleNode[];
  /** By the name of the ensemble's own output tensor. */
  readonly outputs: ReadonlyMap<string, TensorReference>;
}

/** What a node reads of other nodes. */
export function referencesOf(node: EnsembleNode): readonly TensorReference[] {
  return node.kind === 'model' ? [...node.inputs.values()].flat() : node.members;
}
