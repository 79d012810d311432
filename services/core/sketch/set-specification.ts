/**
 * What a set sketch is made by: its columns with a centre and a scale each, the kernel's bandwidth,
 * and the seed of its random directions. It is part of the reference, and every sketch of the set is
 * made, merged and compared under one and the same.
 *
 * Columns are standardised by centre and scale and clipped, so that a single value, however large,
 * neither hides nor makes a change. As JSON it is what it is here, field by field.
 */
import { createHash } from 'node:crypto';
import { CodedError } from '../errors.ts';
import { drawDirections, FREQUENCIES_MAX, type RandomDirections } from './random-features.ts';

export const SET_COLUMNS_MIN = 2;
export const SET_COLUMNS_MAX = 64;
export const FREQUENCIES_DEFAULT = 32;
export const PROJECTIONS_DEFAULT = 4;
export const PROJECTIONS_MAX = 16;
const SEED_MAX = 2 ** 31 - 1;

export interface SetColumn {
  readonly name: string;
  /** In the column's unit. */
  readonly centre: number;
  /** In the column's unit, above 0. */
  readonly scale: number;
}

export interface SetSpecification {
  readonly columns: readonly SetColumn[];
  /** Of the Gaussian kernel, in scales; above 0. */
  readonly bandwidth: number;
  readonly frequencyCount: number;
  readonly projectionCount: number;
  /** A whole number from 0 to 2^31 − 1. */
  readonly seed: number;
}

/** As it stands in a file. Throws `configuration.invalid` naming what is wrong. */
export function parseSetSpecification(value: unknown): SetSpecification {
  const { columns, bandwidth, frequencyCount, projectionCount, seed } = fieldsOf('the set', value);
  if (!Array.isArray(columns)) throw invalid('columns: expected a list');
  if (columns.length < SET_COLUMNS_MIN || columns.length > SET_COLUMNS_MAX) {
    throw invalid(`columns: expected ${SET_COLUMNS_MIN} to ${SET_COLUMNS_MAX}`);
  }
  const parsed = columns.map((column: unknown, index): SetColumn => {
    const place = `column ${index + 1}`;
    const { name, centre, scale } = fieldsOf(place, column);
    if (typeof name !== 'string' || name === '') throw invalid(`${place}: expected a name`);
    if (!isNumber(centre)) throw invalid(`${place}: centre: expected a number`);
    return { name, centre, scale: positive(`${place}: scale`, scale) };
  });
  if (new Set(parsed.map(({ name }) => name)).size < parsed.length) {
    throw invalid('columns: a name stands twice');
  }
  return {
    columns: parsed,
    bandwidth: positive('bandwidth', bandwidth),
    frequencyCount: whole('frequencyCount', frequencyCount, 1, FREQUENCIES_MAX),
    projectionCount: whole('projectionCount', projectionCount, 0, PROJECTIONS_MAX),
    seed: whole('seed', seed, 0, SEED_MAX),
  };
}

/** What a value is standardised to is a whole number of these; a 256th of a scale. */
export const VALUE_UNITS = 256;
/** Scales from the centre, beyond which a value counts as this far. */
export const CLIP_SCALES = 5;
export const VALUE_MAX = CLIP_SCALES * VALUE_UNITS;

/** In whole `VALUE_UNITS`; never minus zero. */
export function standardised(value: number, { centre, scale }: SetColumn): number {
  const inScales = (value - centre) / scale;
  if (inScales >= CLIP_SCALES) return VALUE_MAX;
  if (inScales <= -CLIP_SCALES) return -VALUE_MAX;
  return Math.floor(inScales * VALUE_UNITS + 0.5);
}

/** Computed once for a specification. */
export interface PreparedSet extends RandomDirections {
  readonly fingerprint: Uint8Array;
}

const prepared = new WeakMap<SetSpecification, PreparedSet>();

/** A cache and nothing else: all of it is a function of the specification. */
export function prepareSet(specification: SetSpecification): PreparedSet {
  const known = prepared.get(specification);
  if (known !== undefined) return known;
  const { columns, seed, frequencyCount, projectionCount } = specification;
  const text = JSON.stringify([
    columns.map(({ name, centre, scale }) => [name, centre, scale]),
    specification.bandwidth,
    frequencyCount,
    projectionCount,
    seed,
  ]);
  const hash = createHash('sha256').update(text).digest();
  const made = {
    ...drawDirections({
      seed,
      dimension: columns.length,
      frequencyCount,
      bandwidth: specification.bandwidth * VALUE_UNITS,
      projectionCount,
    }),
    fingerprint: new Uint8Array(hash.subarray(0, 8)),
  };
  prepared.set(specification, made);
  return made;
}

function fieldsOf(place: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${place}: expected an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function positive(place: string, value: unknown): number {
  if (!isNumber(value) || value <= 0) throw invalid(`${place}: expected a number above 0`);
  return value;
}

function whole(place: string, value: unknown, from: number, to: number): number {
  if (!Number.isInteger(value) || (value as number) < from || (value as number) > to) {
    throw invalid(`${place}: expected a whole number from ${from} to ${to}`);
  }
  return value as number;
}

function invalid(message: string): CodedError {
  return new CodedError('configuration.invalid', message);
}
