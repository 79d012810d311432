/**
 * Makes the default export of scikit-learn classifiers usable in Node.
 *
 * skl2onnx ends a classifier in `ZipMap`, which turns the tensor of probabilities [rows, classes]
 * into a sequence of maps, a type that ONNX Runtime's Node binding cannot return. Each such node is
 * replaced by an `Identity` from the same tensor to the same name, and the graph's output of that
 * name becomes a float tensor: **the output keeps its original name** (`output_probability` in most
 * exports) and holds the probabilities in the order of the classes. Everything else, unknown fields
 * included, is copied byte for byte.
 *
 * The messages and field numbers of onnx.proto that matter here:
 *
 *   ModelProto         graph = 7, opset_import = 8
 *   OperatorSetIdProto domain = 1, version = 2
 *   GraphProto         node = 1, output = 12, value_info = 13
 *   NodeProto          input = 1, output = 2, op_type = 4, domain = 7
 *   ValueInfoProto     name = 1, type = 2
 *   TypeProto          tensor_type = 1;  TypeProto.Tensor  elem_type = 1 (FLOAT = 1)
 */
import {
  decodeText,
  encodeBytesField,
  encodeVarintField,
  readFields,
  stringField,
  type WireField,
} from './protobuf-wire.ts';

const MODEL = { graph: 7, opsetImport: 8 } as const;
const OPERATOR_SET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, output: 12, valueInfo: 13 } as const;
const NODE = { input: 1, output: 2, operator: 4, domain: 7 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1, elementType: 1, float: 1 } as const;

/** `Identity` has had its present meaning since the first operator set. */
const DEFAULT_OPERATOR_SET_VERSION = 9;

function isZipMap(field: WireField): boolean {
  return (
    field.number === GRAPH.node &&
    stringField(field.payload, NODE.operator) === 'ZipMap' &&
    stringField(field.payload, NODE.domain) === 'ai.onnx.ml'
  );
}

/** `Identity` between the ZipMap's own input and output; its attributes and domain are left out. */
function identityOf(zipMap: WireField): Uint8Array {
  const kept = [...readFields(zipMap.payload)].filter(
    (field) => field.number === NODE.input || field.number === NODE.output,
  );
  const operator = encodeBytesField(NODE.operator, Buffer.from('Identity'));
  return encodeBytesField(GRAPH.node, Buffer.concat([...kept.map((f) => f.encoded), operator]));
}

function floatTensorInfo(field: WireField): Uint8Array {
  const tensor = encodeVarintField(TYPE.elementType, TYPE.float);
  const type = encodeBytesField(VALUE_INFO.type, encodeBytesField(TYPE.tensor, tensor));
  const kept = [...readFields(field.payload)].filter((f) => f.number !== VALUE_INFO.type);
  return encodeBytesField(field.number, Buffer.concat([...kept.map((f) => f.encoded), type]));
}

function isNamedInfo(field: WireField, names: ReadonlySet<string>): boolean {
  return (
    (field.number === GRAPH.output || field.number === GRAPH.valueInfo) &&
    names.has(stringField(field.payload, VALUE_INFO.name))
  );
}

/** The graph without its ZipMaps, or `null` where it has none. */
function stripGraph(graph: Uint8Array): Uint8Array | null {
  const fields = [...readFields(graph)];
  const zipMaps = new Set(fields.filter(isZipMap));
  if (zipMaps.size === 0) return null;
  const names = new Set<string>();
  for (const zipMap of zipMaps) {
    for (const field of readFields(zipMap.payload)) {
      if (field.number === NODE.output) names.add(decodeText(field.payload));
    }
  }
  return Buffer.concat(
    fields.map((field) => {
      if (zipMaps.has(field)) return identityOf(field);
      return isNamedInfo(field, names) ? floatTensorInfo(field) : field.encoded;
    }),
  );
}

/** `Identity` lives in the default domain, which a model of `ai.onnx.ml` operators need not import. */
function importsDefaultDomain(fields: readonly WireField[]): boolean {
  return fields.some((field) => {
    if (field.number !== MODEL.opsetImport) return false;
    const domain = stringField(field.payload, OPERATOR_SET.domain);
    return domain === '' || domain === 'ai.onnx';
  });
}

/**
 * The model without ZipMap nodes; the very same bytes where it has none. Throws `WireFormatError`
 * on bytes that are not protobuf.
 */
export function stripZipMap(model: Uint8Array): Uint8Array {
  const fields = [...readFields(model)];
  let isChanged = false;
  const parts = fields.map((field) => {
    if (field.number !== MODEL.graph || field.wireType !== 2) return field.encoded;
    const graph = stripGraph(field.payload);
    if (graph === null) return field.encoded;
    isChanged = true;
    return encodeBytesField(MODEL.graph, graph);
  });
  if (!isChanged) return model;
  if (!importsDefaultDomain(fields)) {
    const version = encodeVarintField(OPERATOR_SET.version, DEFAULT_OPERATOR_SET_VERSION);
    parts.push(encodeBytesField(MODEL.opsetImport, version));
  }
  return Buffer.concat(parts);
}
