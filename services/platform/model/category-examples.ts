/**
 * A category that the model knows, for each input column that ends in a one-hot encoder. The default
 * encoder of scikit-learn fails on any other, so zeros and empty texts would say nothing about the
 * model, and could not warm it up.
 *
 * Columns are followed from the inputs through what exporters put between them and an encoder. Where
 * that is something else, the column has no example and stays blank.
 *
 * The messages and field numbers of onnx.proto that matter here:
 *
 *   ModelProto      graph = 7
 *   GraphProto      node = 1, initializer = 5
 *   NodeProto       input = 1, output = 2, op_type = 4, attribute = 5
 *   AttributeProto  name = 1, ints = 8, strings = 9
 *   TensorProto     name = 8
 */
import { decodeVarints, readTensor } from './model-file-numbers.ts';
import type { TensorDescription } from './model-runtime.ts';
import { rowWidth } from './onnx-tensor.ts';
import { decodeText, readFields, stringField } from './protobuf-wire.ts';

const MODEL_GRAPH = 7;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, ints: 8, strings: 9 } as const;
const TENSOR_NAME = 8;

/** By input name, one entry a column; `null` where any value will do. */
export type CategoryExamples = ReadonlyMap<string, readonly (string | number | null)[]>;

interface Column {
  readonly input: string;
  readonly index: number;
}

function payloadsOf(message: Uint8Array, number: number): Uint8Array[] {
  return [...readFields(message)]
    .filter((field) => field.number === number)
    .map(({ payload }) => payload);
}

/** Leave the columns of their first input what and where they are, shape and type aside. */
const PASSING: ReadonlySet<string> = new Set([
  ...['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'],
]);
/** Take the columns that a constant names. */
const SELECTING: ReadonlySet<string> = new Set(['Gather', 'ArrayFeatureExtractor']);

function firstCategory(node: Uint8Array): string | number | null {
  for (const attribute of payloadsOf(node, NODE.attribute)) {
    const name = stringField(attribute, ATTRIBUTE.name);
    const [text] = payloadsOf(attribute, ATTRIBUTE.strings);
    if (name === 'cats_strings' && text !== undefined) return decodeText(text);
    const [number] = payloadsOf(attribute, ATTRIBUTE.ints).flatMap(decodeVarints);
    if (name === 'cats_int64s' && number !== undefined) return Number(number);
  }
  return null;
}

export function findCategoryExamples(
  model: Uint8Array,
  inputs: readonly TensorDescription[],
): CategoryExamples {
  const examples = new Map<string, (string | number | null)[]>();
  /** The columns of each tensor that is made of nothing else. */
  const columns = new Map<string, readonly Column[]>();
  for (const input of inputs) {
    const blank = new Array<null>(rowWidth(input) ?? 0).fill(null);
    examples.set(input.name, blank);
    columns.set(
      input.name,
      blank.map((_, index) => ({ input: input.name, index })),
    );
  }
  for (const graph of payloadsOf(model, MODEL_GRAPH)) {
    const initializers = payloadsOf(graph, GRAPH.initializer);
    // Nodes stand behind those whose outputs they take.
    for (const node of payloadsOf(graph, GRAPH.node)) {
      const operator = stringField(node, NODE.operator);
      const sources = payloadsOf(node, NODE.input).map(decodeText);
      const taken = columns.get(sources[0] ?? '');
      if (taken === undefined) continue;
      if (operator === 'OneHotEncoder') {
        const category = firstCategory(node);
        for (const { input, index } of taken) examples.get(input)![index] ??= category;
        continue;
      }
      let given: readonly Column[] | null = null;
      if (PASSING.has(operator)) given = taken;
      if (operator === 'Concat') given = joined(sources.map((name) => columns.get(name)));
      if (SELECTING.has(operator)) given = selected(taken, initializers, sources[1] ?? '');
      if (given === null) continue;
      for (const output of payloadsOf(node, NODE.output)) columns.set(decodeText(output), given);
    }
  }
  return examples;
}

function joined(parts: readonly (readonly Column[] | undefined)[]): readonly Column[] | null {
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? known.flat() : null;
}

function selected(
  taken: readonly Column[],
  initializers: readonly Uint8Array[],
  indexName: string,
): readonly Column[] | null {
  const tensor = initializers.find((one) => stringField(one, TENSOR_NAME) === indexName);
  if (tensor === undefined) return null;
  const indices = Array.from(readTensor(tensor).numbers ?? []);
  const chosen = indices.map((index) => taken.at(index)).filter((column) => column !== undefined);
  return chosen.length === indices.length ? chosen : null;
}
