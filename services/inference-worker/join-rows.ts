/**
 * The rows of one batch as tensors. Rows of one request are a view of its arrays; rows of several are
 * copied once: into arrays that a worker may take with it, or, for a run on this thread, into arrays
 * that every such run uses again, as there is one at a time.
 */
import type { Part } from '../core/batch/batch-queue.ts';
import { CodedError } from '../core/errors.ts';
import type {
  ModelBatch,
  Placement,
  RunOptions,
  Tensor,
  TensorData,
} from '../platform/model/model-runtime.ts';
import { rowsOf } from './model-batch.ts';

export interface JoinedRows {
  readonly batch: ModelBatch;
  readonly options: RunOptions;
}

/**
 * Throws `inference.input` where the requests do not have the same tensors. What was joined for an
 * inline run must not be used after the next one is joined.
 */
export type JoinRows = (
  parts: readonly Part<Rows>[],
  rowCount: number,
  placement: Placement,
) => JoinedRows;

interface Rows {
  readonly rows: ModelBatch;
}

type TypedArray = Exclude<TensorData, readonly string[]>;

const KEPT: RunOptions = { owned: false };
const OWNED: RunOptions = { owned: true };

export function createRowJoiner(): JoinRows {
  /** By input. */
  const reused = new Map<string, Float32Array>();

  /** `like`'s type; the content is of an earlier batch. */
  function again(name: string, like: Float32Array, length: number): Float32Array {
    let array = reused.get(name);
    if (array === undefined || array.length < length || array.constructor !== like.constructor) {
      array = allocate(like, length);
      reused.set(name, array);
    }
    return array.length === length ? array : array.subarray(0, length);
  }

  return (parts, rowCount, placement) => {
    const { request, fromRow, toRow } = parts[0]!;
    if (parts.length === 1) {
      return { batch: rowsOf(request.rows, fromRow, toRow), options: KEPT };
    }
    const isInline = placement === 'inline';
    const inputs = new Map<string, Tensor>();
    for (const [name, like] of request.rows.inputs) {
      const { type, width } = like;
      let data: TensorData;
      if (ArrayBuffer.isView(like.data)) {
        const typed = like.data as TypedArray as Float32Array;
        const length = rowCount * width;
        const joined = isInline ? again(name, typed, length) : allocate(typed, length);
        joinArrays(parts, name, like, joined);
        data = joined;
      } else {
        data = joinStrings(parts, name, like);
      }
      inputs.set(name, { type, width, data });
    }
    return { batch: { rowCount, inputs }, options: isInline ? KEPT : OWNED };
  };
}

/** Of the same type; it is called a Float32Array here whatever it is. */
function allocate(like: Float32Array, length: number): Float32Array {
  return new (like.constructor as new (length: number) => Float32Array)(length);
}

function joinArrays(
  parts: readonly Part<Rows>[],
  name: string,
  like: Tensor,
  joined: Float32Array,
): void {
  const { width } = like;
  let at = 0;
  for (const part of parts) {
    const data = dataOf(part, name, like) as TypedArray as Float32Array;
    const from = part.fromRow * width;
    const to = part.toRow * width;
    joined.set(from === 0 && to === data.length ? data : data.subarray(from, to), at);
    at += to - from;
  }
}

function joinStrings(parts: readonly Part<Rows>[], name: string, like: Tensor): TensorData {
  return parts.flatMap((part) => {
    const data = dataOf(part, name, like) as readonly string[];
    return data.slice(part.fromRow * like.width, part.toRow * like.width);
  });
}

function dataOf({ request }: Part<Rows>, name: string, like: Tensor): TensorData {
  const tensor = request.rows.inputs.get(name);
  if (tensor?.type === like.type && tensor.width === like.width) return tensor.data;
  const found = tensor === undefined ? 'missing' : `${tensor.type} of width ${tensor.width}`;
  throw new CodedError(
    'inference.input',
    `input ${name} is ${found}, in other requests of the version ${like.type} of width ${like.width}`,
  );
}

/** Of the tensors; a text counts as two bytes a character. */
export function byteCountOf(rows: ModelBatch): number {
  let byteCount = 0;
  for (const { data } of rows.inputs.values()) {
    if ('byteLength' in data) byteCount += data.byteLength;
    else for (const text of data) byteCount += 2 * text.length;
  }
  return byteCount;
}
