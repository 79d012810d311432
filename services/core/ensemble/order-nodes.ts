/**
 * The order in which the nodes of an ensemble can run: each after all that it reads, otherwise as
 * they are written (depth-first topological sort, Tarjan 1976).
 */
import { type EnsembleNode, referencesOf } from './ensemble-spec.ts';

export type NodeOrder =
  | { readonly ordered: readonly EnsembleNode[]; readonly cycle: null }
  /** Names along the way from a node back to itself: `a`, `b`, `a`. */
  | { readonly ordered: null; readonly cycle: readonly string[] };

/** References to nodes that are not there are passed over. */
export function orderNodes(nodes: readonly EnsembleNode[]): NodeOrder {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ordered: EnsembleNode[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  /** The cycle that was found, `null` where there is none. */
  function visit(node: EnsembleNode): readonly string[] | null {
    if (done.has(node.name)) return null;
    const start = path.indexOf(node.name);
    if (start >= 0) return [...path.slice(start), node.name];
    path.push(node.name);
    for (const { node: name } of referencesOf(node)) {
      const read = byName.get(name);
      const cycle = read === undefined ? null : visit(read);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(node.name);
    ordered.push(node);
    return null;
  }

  for (const node of nodes) {
    const cycle = visit(node);
    if (cycle !== null) return { ordered: null, cycle };
  }
  return { ordered, cycle: null };
}

/** Names of the nodes that `roots` need, themselves included. */
export function neededNodes(
  nodes: readonly EnsembleNode[],
  roots: Iterable<string>,
): ReadonlySet<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const needed = new Set<string>();
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = byName.get(name);
    if (node === undefined || needed.has(name)) continue;
    needed.add(name);
    waiting.push(...referencesOf(node).map((reference) => reference.node));
  }
  return needed;
}
