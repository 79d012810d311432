/** Full binary trees as the attributes of `TreeEnsembleRegressor`, drawn from a seed. */
import type { Draw } from './draw.ts';
import type { OnnxAttribute } from './onnx-file.ts';

export interface TreeShape {
  readonly trees: number;
  /** Of branches above each leaf. */
  readonly depth: number;
  readonly inputs: number;
}

/**
 * A node of a full tree has children `2n + 1` and `2n + 2`; the last `2^depth` are leaves. Features are
 * compared with values between -1 and 1, leaves weigh as much.
 */
export function createTreeAttributes(
  draw: Draw,
  { trees, depth, inputs }: TreeShape,
): Readonly<Record<string, OnnxAttribute>> {
  const branchCount = 2 ** depth - 1;
  const nodeCount = 2 * branchCount + 1;
  const treeIds: number[] = [];
  const nodeIds: number[] = [];
  const featureIds: number[] = [];
  const values: number[] = [];
  const modes: string[] = [];
  const trueIds: number[] = [];
  const falseIds: number[] = [];
  const leaves = { tree: [] as number[], node: [] as number[], weight: [] as number[] };
  for (let tree = 0; tree < trees; tree++) {
    for (let index = 0; index < nodeCount; index++) {
      const isLeaf = index >= branchCount;
      treeIds.push(tree);
      nodeIds.push(index);
      modes.push(isLeaf ? 'LEAF' : 'BRANCH_LEQ');
      featureIds.push(isLeaf ? 0 : draw(0, inputs - 1));
      values.push(isLeaf ? 0 : draw(-1_000, 1_000) / 1_000);
      trueIds.push(isLeaf ? 0 : 2 * index + 1);
      falseIds.push(isLeaf ? 0 : 2 * index + 2);
      if (!isLeaf) continue;
      leaves.tree.push(tree);
      leaves.node.push(index);
      leaves.weight.push(draw(-1_000, 1_000) / 1_000);
    }
  }
  return {
    n_targets: 1,
    nodes_treeids: treeIds,
    nodes_nodeids: nodeIds,
    nodes_featureids: featureIds,
    nodes_values: { floats: values },
    nodes_modes: { strings: modes },
    nodes_truenodeids: trueIds,
    nodes_falsenodeids: falseIds,
    target_treeids: leaves.tree,
    target_nodeids: leaves.node,
    target_ids: new Array<number>(leaves.tree.length).fill(0),
    target_weights: { floats: leaves.weight },
  };
}
