/**
 * The binary form of a set sketch, version 1, little-endian; with its rules in schemas/set-sketch.md:
 *
 *     set         = magic version kind fingerprint columns frequencies projections
 *                   count left-out d*whole d(d+1)/2*whole 2m*whole p*numeric
 *     magic       = 54 47 43 53                  ; "TGCS", as of a column sketch
 *     version     = 01
 *     kind        = 04
 *     fingerprint = 8*byte                       ; of the specification
 *     columns, frequencies, projections          ; LEB128: d, m, p
 *     count, left-out                            ; LEB128
 *     whole       = 8*byte                       ; IEEE 754, a whole number, never minus zero
 *     numeric     = flags … buffer               ; as in a numeric column sketch
 *
 * Read under the specification it was written under, which is not part of it. Equal states give
 * equal bytes, and what no sketch can be is refused with `state.corrupt`.
 */
import { NumericSketch } from './numeric-sketch.ts';
import { readNumericSketch, writeNumericSketch } from './numeric-sketch-codec.ts';
import { FEATURE_UNITS } from './random-features.ts';
import { SetSketch, type SetSketchState, triangleSize } from './set-sketch.ts';
import { CLIP_SCALES, prepareSet, type SetSpecification, VALUE_MAX } from './set-specification.ts';
import { corrupt, SketchReader, SketchWriter } from './sketch-bytes.ts';
import { COMPRESSION_DEFAULT } from './t-digest.ts';

const MAGIC = [0x54, 0x47, 0x43, 0x53];
const VERSION = 1;
const KIND_SET = 4;
/** Magic, version and kind. */
const HEADER_BYTES = MAGIC.length + 2;
/** For the last bits of sums, products and roots. */
const ROUNDING = 1 + 1e-9;

/** The state as it is, unmerged buffers included; the sketch is not changed. */
export function encodeSetSketch(sketch: SetSketch): Uint8Array {
  const { specification, state } = sketch;
  const writer = new SketchWriter();
  for (const byte of [...MAGIC, VERSION, KIND_SET]) writer.byte(byte);
  for (const byte of prepareSet(specification).fingerprint) writer.byte(byte);
  writer.count(specification.columns.length);
  writer.count(specification.frequencyCount);
  writer.count(specification.projectionCount);
  writer.count(state.count);
  writer.count(state.leftOutCount);
  for (const numbers of [state.sums, state.products, state.features]) {
    for (const number of numbers) writer.double(number);
  }
  for (const projection of state.projections) writeNumericSketch(writer, projection.state);
  return writer.finish();
}

/** Goes on, bit for bit, where the encoded sketch was. Throws `state.corrupt`. */
export function decodeSetSketch(bytes: Uint8Array, specification: SetSpecification): SetSketch {
  const reader = new SketchReader(bytes);
  if (MAGIC.some((byte) => reader.byte('magic') !== byte)) throw corrupt('no magic "TGCS"');
  const version = reader.byte('version');
  if (version !== VERSION) throw corrupt(`version ${version} is not known, only ${VERSION}`);
  const kind = reader.byte('kind');
  if (kind !== KIND_SET) throw corrupt(`kind ${kind} is not that of a set`);
  const sketch = SetSketch.restore(specification, readState(reader, specification));
  reader.end();
  return sketch;
}

/** Whether a sketch was made under this specification; only then can it be decoded under it. */
export function isSetSketchOf(bytes: Uint8Array, specification: SetSpecification): boolean {
  const { fingerprint } = prepareSet(specification);
  return fingerprint.every((byte, index) => bytes[HEADER_BYTES + index] === byte);
}

function readState(reader: SketchReader, specification: SetSpecification): SetSketchState {
  const { columns, frequencyCount, projectionCount } = specification;
  const dimension = columns.length;
  for (const byte of prepareSet(specification).fingerprint) {
    if (reader.byte('fingerprint') !== byte) throw corrupt('it is of another specification');
  }
  expectCount(reader, 'number of columns', dimension);
  expectCount(reader, 'number of frequencies', frequencyCount);
  expectCount(reader, 'number of projections', projectionCount);
  const count = reader.count('count');
  const leftOutCount = reader.count('left-out count');
  const sums = readWholes(reader, 'sum', dimension);
  const products = readWholes(reader, 'sum of products', triangleSize(dimension));
  const features = readWholes(reader, 'sum of a feature', 2 * frequencyCount);
  checkMoments(count, sums, products);
  checkFeatures(count, features);
  const projections: NumericSketch[] = [];
  for (let index = 0; index < projectionCount; index++) {
    projections.push(readProjection(reader, count, dimension));
  }
  return { count, leftOutCount, sums, products, features, projections };
}

/** What the specification says already, so that nothing of a declared length is ever allocated. */
function expectCount(reader: SketchReader, what: string, expected: number): void {
  const found = reader.count(what);
  if (found !== expected) throw corrupt(`the ${what} is ${found}, not ${expected}`);
}

function readWholes(reader: SketchReader, what: string, count: number): Float64Array {
  const numbers = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const number = reader.double(what);
    if (!Number.isInteger(number)) throw corrupt(`${what} ${index} is ${number}, not whole`);
    numbers[index] = number;
  }
  return numbers;
}

/** Values are at most `VALUE_MAX`, and no sum of products is larger than the squares allow. */
function checkMoments(count: number, sums: Float64Array, products: Float64Array): void {
  const squareOf = (index: number) => products[triangleSize(index) + index]!;
  for (let left = 0; left < sums.length; left++) {
    const square = squareOf(left);
    if (square < 0 || square > count * VALUE_MAX ** 2 * ROUNDING) {
      throw corrupt(`the sum of squares of column ${left} is ${square}`);
    }
    if (sums[left]! ** 2 > count * square * ROUNDING) {
      throw corrupt(`the sum of column ${left} is ${sums[left]}, too large for its squares`);
    }
    for (let right = 0; right < left; right++) {
      const product = products[triangleSize(left) + right]!;
      if (product ** 2 > square * squareOf(right) * ROUNDING) {
        throw corrupt(`columns ${right} and ${left} have more in common than each has`);
      }
    }
  }
}

/** Cosine and sine of one row are on the unit circle, up to their rounding. */
function checkFeatures(count: number, features: Float64Array): void {
  const lengthMax = count * (FEATURE_UNITS + 1);
  for (let index = 0; index < features.length; index += 2) {
    if (Math.hypot(features[index]!, features[index + 1]!) > lengthMax) {
      throw corrupt(`feature ${index} is outside the unit circle`);
    }
  }
}

function readProjection(reader: SketchReader, count: number, dimension: number): NumericSketch {
  const state = readNumericSketch(reader);
  const { missingCount, nanCount, positiveInfinityCount, negativeInfinityCount, digest } = state;
  if (missingCount + nanCount + positiveInfinityCount + negativeInfinityCount > 0) {
    throw corrupt('a projection has values that are not finite');
  }
  if (digest.compression !== COMPRESSION_DEFAULT) {
    throw corrupt(`a projection has a compression of ${digest.compression}`);
  }
  const projection = NumericSketch.restore(state);
  if (projection.count !== count) {
    throw corrupt(`a projection has ${projection.count} values and the set ${count} rows`);
  }
  const sizeMax = CLIP_SCALES * Math.sqrt(dimension) * ROUNDING;
  if (count > 0 && (projection.maximum > sizeMax || projection.minimum < -sizeMax)) {
    throw corrupt('a projection has a value beyond all clipped rows');
  }
  return projection;
}
