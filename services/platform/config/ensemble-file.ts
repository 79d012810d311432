/**
 * `ensemble.yaml`: the models and combiners of a version, and how they feed one another. Every mistake
 * is found with its line; what the models themselves take and give is checked when they are loaded.
 */
import type {
  EnsembleNode,
  EnsembleSpec,
  TensorReference,
} from '../../core/ensemble/ensemble-spec.ts';
import { neededNodes, orderNodes } from '../../core/ensemble/order-nodes.ts';
import { ENSEMBLE_NODES_MAX } from '../../core/limits.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import { EnsembleNodeReader, isMapping, type Mapping } from './ensemble-node.ts';
import { describeValue, type Problem, ProblemList } from './problem.ts';
import { parseYaml } from './yaml-source.ts';

export type EnsembleFile =
  | { readonly ok: true; readonly spec: EnsembleSpec }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function checkShape(
  value: unknown,
  list: ProblemList,
): { nodes: Mapping; outputs: Mapping } | null {
  if (!isMapping(value)) {
    list.add([], `found ${describeValue(value)}, expected nodes and outputs`);
    return null;
  }
  for (const key of Object.keys(value)) {
    if (key === 'nodes' || key === 'outputs') continue;
    list.add([key], `unknown key${suggestion(key, ['nodes', 'outputs'])}`, 'key');
  }
  const { nodes, outputs } = value;
  for (const [key, part] of [
    ['nodes', nodes],
    ['outputs', outputs],
  ] as const) {
    if (isMapping(part) && Object.keys(part).length > 0) continue;
    list.add([key], `found ${describeValue(part)}, expected a mapping with at least one entry`);
  }
  if (!isMapping(nodes) || !isMapping(outputs)) return null;
  if (Object.keys(nodes).length <= ENSEMBLE_NODES_MAX) return { nodes, outputs };
  const found = Object.keys(nodes).length;
  list.add(['nodes'], `found ${found} nodes, expected at most ${ENSEMBLE_NODES_MAX}`, 'key');
  return null;
}

function checkGraph(
  nodes: readonly EnsembleNode[],
  outputs: ReadonlyMap<string, TensorReference>,
  list: ProblemList,
): readonly EnsembleNode[] {
  const { ordered, cycle } = orderNodes(nodes);
  if (cycle !== null) {
    list.add(['nodes', cycle[0]!], `it reads its own result: ${cycle.join(' → ')}`, 'key');
    return [];
  }
  const needed = neededNodes(
    nodes,
    [...outputs.values()].map(({ node }) => node),
  );
  for (const { name } of ordered) {
    if (needed.has(name)) continue;
    list.add(['nodes', name], 'no output needs it; leave it out, it would run for nothing', 'key');
  }
  return ordered;
}

/** `file` is the name that problems carry. */
export function parseEnsembleFile(file: string, text: string): EnsembleFile {
  const source = parseYaml(file, text);
  if (!source.ok) return source;
  const list = new ProblemList(file, source.locate);
  const shape = checkShape(source.value, list);
  if (shape === null) return { ok: false, problems: list.problems };
  const reader = new EnsembleNodeReader(list, shape.nodes);
  const nodes = Object.entries(shape.nodes).flatMap(
    ([name, body]) => reader.node(name, body) ?? [],
  );
  const outputs = new Map(
    Object.entries(shape.outputs).flatMap(([name, written]) => {
      const reference = reader.reference(written, ['outputs', name]);
      return reference === null ? [] : [[name, reference] as const];
    }),
  );
  // The graph of half a file would only give consequences of what is wrong with the rest.
  if (list.problems.length > 0) return { ok: false, problems: list.problems };
  const ordered = checkGraph(nodes, outputs, list);
  if (list.problems.length > 0) return { ok: false, problems: list.problems };
  return { ok: true, spec: { nodes: ordered, outputs } };
}
