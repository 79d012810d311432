/**
 * What the inference server says when all is well, as JSON text. Numbers are written straight from
 * the typed arrays, row-major and flat; an INT64 keeps all its digits, which JSON allows and a client
 * may or may not keep. JSON has no NaN and no infinity: an output that holds one is an error.
 */
import { CodedError } from '../../core/errors.ts';
import type {
  ModelDescription,
  ModelOutputs,
  Tensor,
  TensorDescription,
} from '../model/model-runtime.ts';
import { DATATYPES, metadataOf, quoted } from './inference-datatype.ts';

export interface InferenceResponse {
  readonly model: string;
  readonly version: string;
  /** `null` where the request had none. */
  readonly id: string | null;
  readonly rowCount: number;
  readonly outputs: ModelOutputs;
  /** Names of the outputs to return, in this order. */
  readonly asked: readonly string[];
  /** Of the version that answered: says the shape of what is flat here. */
  readonly description: ModelDescription;
}

/** Throws `inference.output` naming the output and the row. */
export function encodeInferenceResponse(response: InferenceResponse): string {
  const { asked, description, outputs, rowCount } = response;
  const encoded = asked.map((name) => {
    const tensor = outputs.get(name);
    if (tensor === undefined) {
      throw new CodedError('inference.output', `the model gave no output ${quoted(name)}`);
    }
    const shape = shapeOf(tensor, find(description, name), rowCount);
    const head = `"name":${JSON.stringify(name)},"shape":[${shape.join(',')}]`;
    return `{${head},"datatype":"${DATATYPES[tensor.type]}","data":[${elementsOf(name, tensor)}]}`;
  });
  const head = [
    `"model_name":${JSON.stringify(response.model)}`,
    `"model_version":${JSON.stringify(response.version)}`,
    ...(response.id === null ? [] : [`"id":${JSON.stringify(response.id)}`]),
  ];
  return `{${head.join(',')},"outputs":[${encoded.join(',')}]}\n`;
}

export function encodeModelMetadata(
  name: string,
  versions: readonly string[],
  { inputs, outputs }: ModelDescription,
): string {
  return `${JSON.stringify({
    name,
    versions,
    platform: 'onnx_onnxv1',
    inputs: inputs.map(metadataOf),
    outputs: outputs.map(metadataOf),
  })}\n`;
}

function find({ outputs }: ModelDescription, name: string): TensorDescription | undefined {
  return outputs.find((output) => output.name === name);
}

/** One variable length is what the others leave of the row; with more of them the row stays flat. */
function shapeOf(
  { width }: Tensor,
  description: TensorDescription | undefined,
  rowCount: number,
): readonly number[] {
  const shape = description?.shape ?? [null];
  const known = shape.reduce<number>((product, length) => product * (length ?? 1), 1);
  const variable = shape.filter((length) => length === null).length;
  if (variable > 1 || (variable === 0 ? known !== width : width % known !== 0)) {
    return [rowCount, width];
  }
  return [rowCount, ...shape.map((length) => length ?? width / known)];
}

function elementsOf(name: string, { type, data, width }: Tensor): string {
  if (type === 'string')
    return (data as readonly string[]).map((text) => JSON.stringify(text)).join(',');
  if (type === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0).join(',');
  if (type === 'float32' || type === 'float64') checkFinite(name, data as Float64Array, width);
  return data.join(',');
}

function checkFinite(name: string, data: Float32Array | Float64Array, width: number): void {
  for (let index = 0; index < data.length; index += 1) {
    const value = data[index]!;
    if (Number.isFinite(value)) continue;
    const where = `output ${quoted(name)}, row ${Math.floor(index / width)}, element ${index % width}`;
    throw new CodedError('inference.output', `${where} is ${value}, which JSON cannot carry`);
  }
}
