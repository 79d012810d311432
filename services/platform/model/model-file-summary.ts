/**
 * What stands in a model file, read from its bytes alone: nothing is loaded or run, so that a model
 * that cannot run here is described all the same. Throws `WireFormatError` on bytes that are no model.
 *
 *   ModelProto  ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8,
 *               functions = 25 (FunctionProto: node = 7)
 *   GraphProto  node = 1, initializer = 5, input = 11, output = 12, sparse_initializer = 15 (values = 1)
 *   NodeProto   name = 3, op_type = 4, attribute = 5, domain = 7
 *   AttributeProto  name = 1, t = 5, g = 6, floats = 7, tensors = 10, graphs = 11
 */
import { decodeFloats, lastVarint, readTensor, type TensorContent } from './model-file-numbers.ts';
import { type ModelFileValue, messageField, readValue } from './model-file-value.ts';
import { holdsWeights, summariseWeights, type WeightSummary } from './model-file-weights.ts';
import { readFields, stringField, WireFormatError } from './protobuf-wire.ts';

export interface OperatorCount {
  readonly operator: string;
  /** `ai.onnx` is the default one. */
  readonly domain: string;
  readonly count: number;
}

export interface ModelFileSummary {
  readonly irVersion: number;
  readonly producer: string;
  readonly operatorSets: readonly { readonly domain: string; readonly version: number }[];
  /** Without those that are only defaults: initialisers under their own name. */
  readonly inputs: readonly ModelFileValue[];
  readonly outputs: readonly ModelFileValue[];
  /** Most used first; those of subgraphs and functions included. */
  readonly operators: readonly OperatorCount[];
  /** Initialisers, constants and lists of floats among the attributes, in the order of the file. */
  readonly weights: readonly WeightSummary[];
  /** Files beside the model that hold weights. */
  readonly externalFiles: readonly string[];
}

/** Subgraphs within subgraphs that are followed; an `If` within a `Loop` has two. */
const DEPTH_MAX = 32;

class SummaryBuilder {
  readonly weights: WeightSummary[] = [];
  readonly externalFiles = new Set<string>();
  readonly #counts = new Map<string, OperatorCount>();
  #nodeCount = 0;

  readGraph(graph: Uint8Array, depth: number): void {
    if (depth > DEPTH_MAX) throw new WireFormatError('graphs are nested too deeply');
    for (const { number, payload } of readFields(graph)) {
      if (number === 1) this.readNode(payload, depth);
      if (number === 5) this.#addTensor('', readTensor(payload));
      const values = number === 15 ? messageField(payload, 1) : null;
      if (values !== null) this.#addTensor('', readTensor(values));
    }
  }

  readNode(node: Uint8Array, depth: number): void {
    const operator = stringField(node, 4);
    const domain = stringField(node, 7) || 'ai.onnx';
    const key = `${domain} ${operator}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { operator, domain, count });
    this.#nodeCount += 1;
    const name = stringField(node, 3) || `${operator}#${this.#nodeCount}`;
    for (const field of readFields(node)) {
      if (field.number === 5) this.#readAttribute(name, field.payload, depth);
    }
  }

  operators(): readonly OperatorCount[] {
    const byName = (a: OperatorCount, b: OperatorCount) => (a.operator < b.operator ? -1 : 1);
    return [...this.#counts.values()].sort((a, b) => b.count - a.count || byName(a, b));
  }

  #readAttribute(node: string, attribute: Uint8Array, depth: number): void {
    const name = `${node}.${stringField(attribute, 1)}`;
    const floats: Uint8Array[] = [];
    for (const { number, payload } of readFields(attribute)) {
      if (number === 5 || number === 10) this.#addTensor(name, readTensor(payload));
      else if (number === 6 || number === 11) this.readGraph(payload, depth + 1);
      // Packed, or one number to a field.
      else if (number === 7) floats.push(payload);
    }
    if (floats.length === 0) return;
    const numbers = decodeFloats(Buffer.concat(floats));
    const shape = [numbers.length];
    this.#addTensor(name, { name, element: 'float32', shape, numbers, externalFile: null });
  }

  #addTensor(name: string, content: TensorContent): void {
    if (content.externalFile !== null) this.externalFiles.add(content.externalFile);
    if (holdsWeights(content)) this.weights.push(summariseWeights(name || content.name, content));
  }
}

function namesOf(graph: Uint8Array, number: number, nameNumber: number): ReadonlySet<string> {
  const fields = [...readFields(graph)].filter((field) => field.number === number);
  return new Set(fields.map((field) => stringField(field.payload, nameNumber)));
}

function valuesOf(graph: Uint8Array, number: number): readonly ModelFileValue[] {
  const fields = [...readFields(graph)].filter((field) => field.number === number);
  return fields.map((field) => readValue(field.payload));
}

export function summariseModelFile(model: Uint8Array): ModelFileSummary {
  const graph = messageField(model, 7);
  if (graph === null) throw new WireFormatError('it holds no graph');
  const builder = new SummaryBuilder();
  builder.readGraph(graph, 0);
  const operatorSets: { domain: string; version: number }[] = [];
  for (const { number, payload } of readFields(model)) {
    if (number === 8) {
      const domain = stringField(payload, 1) || 'ai.onnx';
      operatorSets.push({ domain, version: lastVarint(payload, 2) ?? 0 });
    }
    if (number !== 25) continue;
    for (const field of readFields(payload)) {
      if (field.number === 7) builder.readNode(field.payload, 0);
    }
  }
  const initializers = namesOf(graph, 5, 8);
  return {
    irVersion: lastVarint(model, 1) ?? 0,
    producer: `${stringField(model, 2)} ${stringField(model, 3)}`.trim(),
    operatorSets,
    inputs: valuesOf(graph, 11).filter((input) => !initializers.has(input.name)),
    outputs: valuesOf(graph, 12),
    operators: builder.operators(),
    weights: builder.weights,
    externalFiles: [...builder.externalFiles],
  };
}
