/**
 * The body of an inference request against the model it is for: `id`, `parameters`, `inputs`,
 * `outputs`. All inputs of the model are there once, with the same number of rows. Members and
 * parameters that are not known here are passed over, as the protocol lets servers have their own;
 * those of the binary data extension are refused, since they change what the caller reads.
 */
import { CodedError } from '../../core/errors.ts';
import { EVENT_ID_LENGTH_MAX } from '../../core/limits.ts';
import type {
  ModelBatch,
  ModelDescription,
  Tensor,
  TensorDescription,
} from '../model/model-runtime.ts';
import { kindOf, quoted, quotedNames } from './inference-datatype.ts';
import { parseTensor, type RequestInput } from './inference-tensor.ts';

export interface InferenceRequest {
  readonly id: string | null;
  /** From the request's arrival. */
  readonly deadlineMs: number | null;
  readonly batch: ModelBatch;
  /** Names of the outputs to return, in this order. */
  readonly outputs: readonly string[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The longest a request is waited for, and a deadline may be. */
export const DEADLINE_MS_MAX = 60_000;
/** A caller's own deadline in milliseconds, in the request's `parameters`. */
const DEADLINE_PARAMETER = 'tg_deadline_ms';
const BINARY_PARAMETERS = ['binary_data', 'binary_data_size', 'binary_data_output'];

/** Throws `inference.input` naming what, where and what was expected. */
export function parseInferenceRequest(
  body: unknown,
  description: ModelDescription,
): InferenceRequest {
  const request = objectOf(body, 'the body');
  const id = memberOf(request, 'id');
  if (id !== undefined && (typeof id !== 'string' || id.length > EVENT_ID_LENGTH_MAX)) {
    throw refusal(`"id" is not a string of at most ${EVENT_ID_LENGTH_MAX} characters`);
  }
  const parameters = parametersOf(request, 'the request');
  return {
    id: id ?? null,
    deadlineMs: deadlineOf(memberOf(parameters, DEADLINE_PARAMETER)),
    batch: parseInputs(memberOf(request, 'inputs'), description.inputs),
    outputs: parseOutputs(memberOf(request, 'outputs'), description.outputs),
  };
}

function parseInputs(given: unknown, descriptions: readonly TensorDescription[]): ModelBatch {
  const known = new Map(descriptions.map((description) => [description.name, description]));
  const inputs = new Map<string, Tensor>();
  let rowCount = 0;
  for (const [index, item] of arrayOf(given, 'inputs').entries()) {
    const input = objectOf(item, `inputs[${index}]`);
    const name = nameOf(input, `inputs[${index}]`);
    const description = known.get(name);
    if (description === undefined) {
      throw refusal(
        `the model has no input ${quoted(name)}, expected ${quotedNames([...known.keys()])}`,
      );
    }
    if (inputs.has(name)) throw refusal(`input ${quoted(name)} is given twice`);
    parametersOf(input, `input ${quoted(name)}`);
    const parsed = parseTensor(requestInput(name, input), description);
    if (inputs.size > 0 && parsed.rowCount !== rowCount) {
      const others = `the inputs before it have ${rowCount}`;
      throw refusal(`input ${quoted(name)} has ${parsed.rowCount} rows, ${others}`);
    }
    rowCount = parsed.rowCount;
    inputs.set(name, parsed.tensor);
  }
  const missing = descriptions.filter(({ name }) => !inputs.has(name));
  if (missing.length > 0) {
    throw refusal(`inputs lack ${quotedNames(missing.map(({ name }) => name))}`);
  }
  return { rowCount, inputs };
}

function requestInput(name: string, input: JsonObject): RequestInput {
  return {
    name,
    shape: memberOf(input, 'shape'),
    datatype: memberOf(input, 'datatype'),
    data: memberOf(input, 'data'),
  };
}

/** None asked for is all of them, in the model's order. */
function parseOutputs(
  given: unknown,
  descriptions: readonly TensorDescription[],
): readonly string[] {
  const all = descriptions.map(({ name }) => name);
  const asked = given === undefined ? [] : arrayOf(given, 'outputs');
  const names = new Set<string>();
  for (const [index, item] of asked.entries()) {
    const output = objectOf(item, `outputs[${index}]`);
    const name = nameOf(output, `outputs[${index}]`);
    if (!all.includes(name)) {
      throw refusal(`the model has no output ${quoted(name)}, expected ${quotedNames(all)}`);
    }
    if (names.has(name)) throw refusal(`output ${quoted(name)} is asked for twice`);
    parametersOf(output, `output ${quoted(name)}`);
    names.add(name);
  }
  return names.size === 0 ? all : [...names];
}

function parametersOf(owner: JsonObject, where: string): JsonObject {
  const given = memberOf(owner, 'parameters');
  if (given === undefined) return {};
  const parameters = objectOf(given, `"parameters" of ${where}`);
  for (const name of BINARY_PARAMETERS) {
    const value = memberOf(parameters, name);
    if (value === undefined || value === false) continue;
    throw refusal(`${where} asks for binary tensor data (${name}), which is not offered: use JSON`);
  }
  return parameters;
}

function deadlineOf(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === 'number' && value > 0 && value <= DEADLINE_MS_MAX) return value;
  const expected = `a number of milliseconds above 0, at most ${DEADLINE_MS_MAX}`;
  throw refusal(`parameter ${DEADLINE_PARAMETER} is ${kindOf(value)}, expected ${expected}`);
}

/** Own members only: what an object inherits is nothing that was sent. */
function memberOf(owner: JsonObject, name: string): unknown {
  return Object.hasOwn(owner, name) ? owner[name] : undefined;
}

function nameOf(owner: JsonObject, where: string): string {
  const name = memberOf(owner, 'name');
  if (typeof name === 'string') return name;
  throw refusal(`${where} has a "name" that is ${kindOf(name)}, expected a string`);
}

function objectOf(value: unknown, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw refusal(`${where} is ${kindOf(value)}, expected a JSON object`);
}

function arrayOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw refusal(`"${name}" is ${kindOf(value)}, expected an array`);
}

function refusal(message: string): CodedError {
  return new CodedError('inference.input', message);
}
