/**
 * A sketch of one column, whatever its type: made, merged, written and read.
 *
 * The binary form, version 1, little-endian; described with its rules in schemas/column-sketch.md:
 *
 *     sketch      = magic version kind body
 *     magic       = 54 47 43 53                  ; "TGCS"
 *     version     = 01
 *     kind        = 01 numeric / 02 categorical / 03 categorical with more categories than held
 *     numeric     = flags count missing nan positive-infinity negative-infinity
 *                   mean m2 compression centroids buffer
 *     flags       = byte                         ; bit 0: the buffer has weights; all others 0
 *     centroids   = n  n*double  n*weight  bits  ; means ascending; bit i: centroid i is mixed
 *     buffer      = n  n*double  [ n*weight ]    ; in order of arrival
 *     categorical = missing other n n*( text weight )
 *     beyond      = missing other absent n n*( text weight error ) 2048*byte   ; kind 03: registers
 *     text        = n  n*byte                    ; UTF-8; ascending by UTF-16 code units
 *     n, weight, compression, count, missing, …  ; LEB128, at most 2^53 - 1, as short as possible
 *     bits        = ceil(n / 8)*byte             ; lowest bit first; unused bits 0
 *     double      = 8*byte                       ; IEEE 754, finite, never minus zero
 *
 * Equal states give equal bytes, and bytes that no state gives are refused with `state.corrupt`.
 */
import type { ColumnType } from '../monitor/monitor.ts';
import { CategoricalSketch } from './categorical-sketch.ts';
import { readCategoricalSketch, writeCategoricalSketch } from './categorical-sketch-codec.ts';
import { NumericSketch } from './numeric-sketch.ts';
import { readNumericSketch, writeNumericSketch } from './numeric-sketch-codec.ts';
import { corrupt, SketchReader, SketchWriter } from './sketch-bytes.ts';
import { TDigest } from './t-digest.ts';

export type ColumnSketch = NumericSketch | CategoricalSketch;

const MAGIC = [0x54, 0x47, 0x43, 0x53];
const VERSION = 1;
const KIND_NUMERIC = 1;
const KIND_CATEGORICAL = 2;
const KIND_CATEGORICAL_BEYOND = 3;

export function createColumnSketch(type: 'numeric'): NumericSketch;
export function createColumnSketch(type: 'categorical'): CategoricalSketch;
export function createColumnSketch(type: ColumnType): ColumnSketch;
export function createColumnSketch(type: ColumnType): ColumnSketch {
  return type === 'numeric' ? new NumericSketch() : new CategoricalSketch();
}

/** The state as it is, unmerged buffer included; the sketch is not changed. */
export function encodeColumnSketch(sketch: ColumnSketch): Uint8Array {
  const writer = new SketchWriter();
  for (const byte of MAGIC) writer.byte(byte);
  writer.byte(VERSION);
  if (sketch.kind === 'numeric') {
    writer.byte(KIND_NUMERIC);
    writeNumericSketch(writer, sketch.state);
  } else {
    const { state } = sketch;
    writer.byte(state.beyond ? KIND_CATEGORICAL_BEYOND : KIND_CATEGORICAL);
    writeCategoricalSketch(writer, state);
  }
  return writer.finish();
}

/** Goes on, bit for bit, where the encoded sketch was. Throws `state.corrupt`. */
export function decodeColumnSketch(bytes: Uint8Array): ColumnSketch {
  const reader = new SketchReader(bytes);
  if (MAGIC.some((byte) => reader.byte('magic') !== byte)) throw corrupt('no magic "TGCS"');
  const version = reader.byte('version');
  if (version !== VERSION) throw corrupt(`version ${version} is not known, only ${VERSION}`);
  const sketch = readSketch(reader, reader.byte('kind'));
  reader.end();
  return sketch;
}

function readSketch(reader: SketchReader, kind: number): ColumnSketch {
  if (kind === KIND_NUMERIC) return NumericSketch.restore(readNumericSketch(reader));
  const isBeyondLimit = kind === KIND_CATEGORICAL_BEYOND;
  if (kind !== KIND_CATEGORICAL && !isBeyondLimit) throw corrupt(`kind ${kind} is not known`);
  return CategoricalSketch.restore(readCategoricalSketch(reader, { isBeyondLimit }));
}

/** A new sketch of all that the parts, at least one and all of one kind, have seen together. */
export function mergeColumnSketches(parts: readonly ColumnSketch[]): ColumnSketch {
  const numeric = parts.filter((part) => part.kind === 'numeric');
  const categorical = parts.filter((part) => part.kind === 'categorical');
  if (parts.length === 0) throw new RangeError('merging needs at least one sketch');
  if (numeric.length > 0 && categorical.length > 0) {
    throw corrupt('a numeric and a categorical sketch cannot be merged');
  }
  if (numeric.length > 0) {
    const { compression } = numeric[0]!.digest;
    const merged = new NumericSketch(new TDigest({ compression }));
    merged.mergeAll(numeric);
    return merged;
  }
  const merged = new CategoricalSketch();
  merged.mergeAll(categorical);
  return merged;
}
