/**
 * Writing and reading of the parts a sketch's binary form is made of: little-endian doubles, counts
 * as LEB128, text as UTF-8.
 *
 * Every value has exactly one encoding, and the reader refuses any other, so equal states have equal
 * bytes and reading loses nothing. The reader checks a declared length against the bytes that are
 * left before anything of that length is allocated. It throws `state.corrupt`, naming the place.
 */
import { CodedError } from '../errors.ts';

export class SketchWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A whole number from 0 to 2^53 − 1. */
  count(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.count(encoded.length);
    this.#reserve(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#bytes.length + bytes);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export class SketchReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(what: string): number {
    this.#need(1, what);
    return this.#bytes[this.#position++]!;
  }

  /** A finite double; minus zero is refused, as it is equal to zero and never written. */
  double(what: string): number {
    this.#need(8, what);
    const value = this.#view.getFloat64(this.#position, true);
    if (!Number.isFinite(value)) throw corrupt(`${what} is ${value}`);
    if (Object.is(value, -0)) throw corrupt(`${what} is minus zero`);
    this.#position += 8;
    return value;
  }

  /** A whole number from 0 to 2^53 − 1, in as few bytes as it takes. */
  count(what: string): number {
    let value = 0;
    let unit = 1;
    for (let length = 1; ; length++) {
      const byte = this.byte(what);
      value += (byte & 127) * unit;
      if (value > Number.MAX_SAFE_INTEGER || length > 8)
        throw corrupt(`${what} is beyond 2^53 - 1`);
      if (byte < 128) {
        if (byte === 0 && length > 1)
          throw corrupt(`${what} is written in more bytes than it takes`);
        return value;
      }
      unit *= 128;
    }
  }

  positiveCount(what: string): number {
    const value = this.count(what);
    if (value === 0) throw corrupt(`${what} is 0`);
    return value;
  }

  /** How many of something follow: at most `countMax`, and each of at least `bytesEach` bytes. */
  length(what: string, countMax: number, bytesEach: number): number {
    const value = this.count(what);
    if (value > countMax) throw corrupt(`${what} is ${value}, more than ${countMax}`);
    this.#need(value * bytesEach, what);
    return value;
  }

  text(what: string, bytesMax: number): string {
    const length = this.length(`length of ${what}`, bytesMax, 1);
    const encoded = this.#bytes.subarray(this.#position, this.#position + length);
    this.#position += length;
    try {
      // A byte order mark is part of the text.
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoded);
    } catch (error) {
      throw corrupt(`${what} is not UTF-8`, error);
    }
  }

  /** A copy of as many bytes. */
  bytes(what: string, count: number): Uint8Array {
    this.#need(count, what);
    this.#position += count;
    return this.#bytes.slice(this.#position - count, this.#position);
  }

  end(): void {
    const left = this.#bytes.length - this.#position;
    if (left > 0) throw corrupt(`${left} bytes are left after the end`);
  }

  #need(bytes: number, what: string): void {
    const left = this.#bytes.length - this.#position;
    if (bytes > left) throw corrupt(`${what} needs ${bytes} bytes and ${left} are left`);
  }
}

export function corrupt(problem: string, cause?: unknown): CodedError {
  return new CodedError(
    'state.corrupt',
    `column sketch: ${problem}`,
    cause === undefined ? undefined : { cause },
  );
}
