/**
 * Finds weights that lie in files beside the model. They are refused: the digest would not cover them,
 * and ONNX Runtime, which is given bytes and not a path, would look for them in the working directory.
 *
 * The messages and field numbers of onnx.proto that matter here:
 *
 *   ModelProto             graph = 7
 *   GraphProto             initializer = 5
 *   TensorProto            external_data = 13
 *   StringStringEntryProto key = 1, value = 2
 */
import { readFields, stringField } from './protobuf-wire.ts';

const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY = { key: 1, value: 2 } as const;

function* fieldsOf(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of readFields(message)) {
    if (field.number === number && field.wireType === 2) yield field.payload;
  }
}

/** The file of the first such weight; `null` where there is none. Throws `WireFormatError`. */
export function findExternalWeights(model: Uint8Array): string | null {
  for (const graph of fieldsOf(model, MODEL_GRAPH)) {
    for (const tensor of fieldsOf(graph, GRAPH_INITIALIZER)) {
      for (const entry of fieldsOf(tensor, TENSOR_EXTERNAL_DATA)) {
        if (stringField(entry, ENTRY.key) === 'location') return stringField(entry, ENTRY.value);
      }
    }
  }
  return null;
}
