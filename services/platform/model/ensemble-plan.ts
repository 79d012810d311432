/**
 * An ensemble held against the models it is made of: what each node takes and gives, what the
 * ensemble itself takes, and which nodes may fail because a `first` above them has another answer.
 * Refuses, with `configuration.model`, what does not fit together.
 */

import {
  COMBINED_TENSOR,
  type CombinerNode,
  type EnsembleNode,
  type EnsembleSpec,
  type ModelNode,
  type TensorReference,
} from '../../core/ensemble/ensemble-spec.ts';
import { neededNodes } from '../../core/ensemble/order-nodes.ts';
import { CodedError } from '../../core/errors.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import type { ModelDescription, TensorDescription, TensorType } from './model-runtime.ts';
import { rowWidth } from './onnx-tensor.ts';

export interface PlannedInput {
  /** With the width a row has. */
  readonly description: TensorDescription;
  readonly width: number;
  /** Columns from other nodes, side by side; empty: the ensemble's own input of this name. */
  readonly from: readonly TensorReference[];
}

export interface PlannedNode {
  readonly node: EnsembleNode;
  /** Of a model; a combiner has none. */
  readonly inputs: readonly PlannedInput[];
  readonly outputs: readonly TensorDescription[];
  /** Every result of it goes through a `first`, or on to one. */
  readonly mayFail: boolean;
  /** Nothing else reads the arrays it is given. */
  readonly ownsInputs: boolean;
}

export interface EnsemblePlan {
  /** Each after all that it reads. */
  readonly nodes: readonly PlannedNode[];
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

type Signals = ReadonlyMap<string, readonly TensorDescription[]>;

const FLOATS: ReadonlySet<TensorType> = new Set(['float32', 'float64']);

function refuse(node: string, reason: string): CodedError {
  return new CodedError('configuration.model', `ensemble, node ${node}: ${reason}`);
}

function text({ node, tensor }: TensorReference): string {
  return `${node}.${tensor}`;
}

function widthOf(node: string, description: TensorDescription): number {
  const width = rowWidth(description);
  if (width !== null) return width;
  throw refuse(node, `${description.name} has no fixed number of elements a row`);
}

function resolve(by: string, reference: TensorReference, signals: Signals): TensorDescription {
  const known = signals.get(reference.node) ?? [];
  const found = known.find(({ name }) => name === reference.tensor);
  if (found !== undefined) return found;
  const near = suggestion(
    reference.tensor,
    known.map(({ name }) => name),
  );
  throw refuse(by, `${reference.node} has no output ${reference.tensor}${near}`);
}

/** `null` where values of these types do not go together. */
function commonType(types: readonly TensorType[], kind: CombinerNode['kind']): TensorType | null {
  const [first = 'float32'] = types;
  const isOne = types.every((type) => type === first);
  const isComputed = kind === 'mean' || kind === 'weighted';
  if (isComputed) {
    if (types.includes('string')) return null;
    return isOne && first === 'float32' ? 'float32' : 'float64';
  }
  if (isOne) return first;
  return types.every((type) => FLOATS.has(type)) ? 'float64' : null;
}

function planCombiner(node: CombinerNode, signals: Signals): TensorDescription {
  const members = node.members.map((member) => resolve(node.name, member, signals));
  const type = commonType(
    members.map((member) => member.type),
    node.kind,
  );
  const listed = members.map((each, i) => `${text(node.members[i]!)} ${each.type}`).join(', ');
  if (type === null) throw refuse(node.name, `${node.kind} cannot take these types: ${listed}`);
  const widths = members.map((member) => widthOf(node.name, member));
  const [width = 1] = widths;
  for (const [index, each] of widths.entries()) {
    if (each === width) continue;
    const [one, other] = [text(node.members[0]!), text(node.members[index]!)];
    const found = `${one} has ${width} elements a row and ${other} ${each}`;
    throw refuse(node.name, `${found}, expected as many of all members`);
  }
  return { name: COMBINED_TENSOR, type, shape: [width] };
}

function planInput(
  node: ModelNode,
  description: TensorDescription,
  signals: Signals,
): PlannedInput {
  const { name, type } = description;
  const width = widthOf(node.name, description);
  const from = node.inputs.get(name) ?? [];
  const sources = from.map((reference) => resolve(node.name, reference, signals));
  for (const [index, source] of sources.entries()) {
    if (source.type === type || (FLOATS.has(type) && source.type !== 'string')) continue;
    const found = `${text(from[index]!)} is ${source.type}`;
    throw refuse(node.name, `input ${name} takes ${type} and ${found}`);
  }
  const columns = sources.reduce((sum, source) => sum + widthOf(node.name, source), 0);
  if (from.length > 0 && columns !== width) {
    const found = `${from.map(text).join(', ')} make ${columns}`;
    throw refuse(node.name, `input ${name} takes ${width} elements a row and ${found}`);
  }
  return { description, width, from };
}

function planInputs(
  node: ModelNode,
  description: ModelDescription,
  signals: Signals,
): readonly PlannedInput[] {
  const known = description.inputs.map(({ name }) => name);
  for (const name of node.inputs.keys()) {
    if (known.includes(name)) continue;
    throw refuse(node.name, `${node.file} has no input ${name}${suggestion(name, known)}`);
  }
  return description.inputs.map((input) => planInput(node, input, signals));
}

/** The ensemble's own inputs, and how many nodes read each. */
class OwnInputs {
  readonly descriptions = new Map<string, TensorDescription>();
  readonly readers = new Map<string, number>();

  add(node: string, { description, width, from }: PlannedInput): void {
    if (from.length > 0) return;
    const { name, type } = description;
    const known = this.descriptions.get(name) ?? description;
    if (known.type !== type || rowWidth(known) !== width) {
      const other = `${known.type} × ${rowWidth(known)}`;
      throw refuse(
        node,
        `its input ${name} is ${type} × ${width}, another node takes it as ${other}`,
      );
    }
    this.descriptions.set(name, known);
    this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
  }
}

/** Nodes whose every reader forgives: a `first`, or a node of which the same holds. */
function forgivenNodes({ nodes, outputs }: EnsembleSpec): ReadonlySet<string> {
  const withoutFirst = nodes.map((node): EnsembleNode => {
    return node.kind === 'first' ? { ...node, members: [] } : node;
  });
  const roots = [...outputs.values()].map(({ node }) => node);
  const strict = neededNodes(withoutFirst, roots);
  return new Set(nodes.map(({ name }) => name).filter((name) => !strict.has(name)));
}

/** `descriptions`: of the model of each model node, by the node's name. */
export function planEnsemble(
  spec: EnsembleSpec,
  descriptions: ReadonlyMap<string, ModelDescription>,
): EnsemblePlan {
  const signals = new Map<string, readonly TensorDescription[]>();
  const ownInputs = new OwnInputs();
  const forgiven = forgivenNodes(spec);
  const drafts = spec.nodes.map((node) => {
    if (node.kind !== 'model') {
      const outputs = [planCombiner(node, signals)];
      signals.set(node.name, outputs);
      return { node, inputs: [], outputs };
    }
    const description = descriptions.get(node.name)!;
    const inputs = planInputs(node, description, signals);
    for (const input of inputs) ownInputs.add(node.name, input);
    signals.set(node.name, description.outputs);
    return { node, inputs, outputs: description.outputs };
  });
  const nodes = drafts.map((draft): PlannedNode => {
    const ownsInputs = draft.inputs.every(({ description, from }) =>
      from.length === 0 ? ownInputs.readers.get(description.name) === 1 : from.length > 1,
    );
    return { ...draft, mayFail: forgiven.has(draft.node.name), ownsInputs };
  });
  const outputs = [...spec.outputs].map(([name, reference]) => {
    const signal = resolve('outputs', reference, signals);
    return { ...signal, name };
  });
  return { nodes, inputs: [...ownInputs.descriptions.values()], outputs };
}
