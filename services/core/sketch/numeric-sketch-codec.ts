/**
 * The numeric part of the binary form; the grammar stands above `column-sketch.ts`.
 *
 * Minimum and maximum are not written: they are the first and the last centroid, or in the buffer.
 */
import type { Centroids } from './centroids.ts';
import { createCentroids } from './centroids.ts';
import type { NumericSketchState } from './numeric-sketch.ts';
import { centroidCountMax } from './scale-function.ts';
import { corrupt, type SketchReader, type SketchWriter } from './sketch-bytes.ts';
import { BUFFER_COUNT_MAX, isCompression, type TDigestState, WORKING_FACTOR } from './t-digest.ts';

const FLAG_BUFFER_WEIGHTS = 1;
const DOUBLE_BYTES = 8;
/** A mean and the shortest weight. */
const CENTROID_BYTES_MIN = 9;

export function writeNumericSketch(writer: SketchWriter, state: NumericSketchState): void {
  const { digest } = state;
  writer.byte(digest.bufferWeights === null ? 0 : FLAG_BUFFER_WEIGHTS);
  writer.count(totalWeight(digest));
  writer.count(state.missingCount);
  writer.count(state.nanCount);
  writer.count(state.positiveInfinityCount);
  writer.count(state.negativeInfinityCount);
  writer.double(state.mean);
  writer.double(state.m2);
  writer.count(digest.compression);
  writeCentroids(writer, digest.centroids);
  writer.count(digest.buffer.length);
  for (const value of digest.buffer) writer.double(value);
  if (digest.bufferWeights === null) return;
  for (const weight of digest.bufferWeights) writer.count(weight);
}

export function readNumericSketch(reader: SketchReader): NumericSketchState {
  const flags = reader.byte('flags');
  if (flags > FLAG_BUFFER_WEIGHTS) throw corrupt(`flags ${flags} are not known`);
  const count = reader.count('count');
  const missingCount = reader.count('missing count');
  const nanCount = reader.count('NaN count');
  const positiveInfinityCount = reader.count('+Inf count');
  const negativeInfinityCount = reader.count('-Inf count');
  const mean = reader.double('mean');
  const m2 = reader.double('M2');
  const compression = reader.count('compression');
  if (!isCompression(compression)) throw corrupt(`compression ${compression} is out of range`);
  const centroids = readCentroids(reader, centroidCountMax(WORKING_FACTOR * compression));
  const bufferCount = reader.length('buffer length', BUFFER_COUNT_MAX, DOUBLE_BYTES);
  const buffer = new Float64Array(bufferCount);
  for (let index = 0; index < bufferCount; index++) buffer[index] = reader.double('buffered value');
  const bufferWeights =
    flags === FLAG_BUFFER_WEIGHTS ? readBufferWeights(reader, bufferCount) : null;
  const digest = { compression, centroids, buffer, bufferWeights };
  const total = totalWeight(digest);
  if (total !== count) throw corrupt(`the count is ${count} and the weights add up to ${total}`);
  checkMoments(mean, m2, digest);
  return {
    missingCount,
    nanCount,
    positiveInfinityCount,
    negativeInfinityCount,
    mean,
    m2,
    digest,
  };
}

function writeCentroids(writer: SketchWriter, centroids: Centroids): void {
  const { means, weights, mixed, count } = centroids;
  writer.count(count);
  for (let index = 0; index < count; index++) writer.double(means[index]!);
  for (let index = 0; index < count; index++) writer.count(weights[index]!);
  for (let start = 0; start < count; start += 8) {
    let bits = 0;
    for (let bit = 0; bit < 8 && start + bit < count; bit++) bits |= mixed[start + bit]! << bit;
    writer.byte(bits);
  }
}

function readCentroids(reader: SketchReader, countMax: number): Centroids {
  const count = reader.length('number of centroids', countMax, CENTROID_BYTES_MIN);
  const centroids = createCentroids(count);
  const { means, weights, mixed } = centroids;
  centroids.count = count;
  for (let index = 0; index < count; index++) means[index] = reader.double('mean of a centroid');
  for (let index = 0; index < count; index++) {
    weights[index] = reader.positiveCount('weight of a centroid');
  }
  for (let start = 0; start < count; start += 8) {
    const bits = reader.byte('mixed bits');
    if (bits >> Math.min(8, count - start) !== 0)
      throw corrupt('a mixed bit belongs to no centroid');
    for (let bit = 0; bit < 8 && start + bit < count; bit++) mixed[start + bit] = (bits >> bit) & 1;
  }
  checkCentroids(centroids);
  return centroids;
}

/** What `compress` guarantees, and what reading and merging therefore rely on. */
function checkCentroids({ means, weights, mixed, count }: Centroids): void {
  if (count > 0 && (mixed[0] === 1 || mixed[count - 1] === 1)) {
    throw corrupt('the first or the last centroid is mixed');
  }
  for (let index = 0; index < count; index++) {
    if (mixed[index] === 1 && weights[index] === 1) {
      throw corrupt(`centroid ${index} is mixed and has a weight of 1`);
    }
    if (index === 0) continue;
    if (means[index]! < means[index - 1]!) throw corrupt(`the means descend at centroid ${index}`);
    if (means[index] === means[index - 1] && mixed[index] === 0 && mixed[index - 1] === 0) {
      throw corrupt(`centroid ${index} repeats the one before it`);
    }
  }
}

function readBufferWeights(reader: SketchReader, count: number): Float64Array {
  const weights = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    weights[index] = reader.positiveCount('weight of a buffered value');
  }
  if (weights.every((weight) => weight === 1)) throw corrupt('every buffered weight is 1');
  return weights;
}

function totalWeight({ centroids, buffer, bufferWeights }: TDigestState): number {
  let total = 0;
  for (let index = 0; index < centroids.count; index++) total += centroids.weights[index]!;
  if (bufferWeights === null) return total + buffer.length;
  for (const weight of bufferWeights) total += weight;
  return total;
}

function checkMoments(mean: number, m2: number, { centroids, buffer }: TDigestState): void {
  if (m2 < 0) throw corrupt(`M2 is ${m2}`);
  let minimum = Infinity;
  let maximum = -Infinity;
  if (centroids.count > 0) {
    minimum = centroids.means[0]!;
    maximum = centroids.means[centroids.count - 1]!;
  }
  for (const value of buffer) {
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
  }
  if (minimum > maximum) {
    if (mean !== 0 || m2 !== 0) throw corrupt('moments without a value');
  } else if (mean < minimum || mean > maximum) {
    throw corrupt(`the mean ${mean} is not between ${minimum} and ${maximum}`);
  }
}
