/**
 * Bounded reading of Avro's primitive encodings (Avro specification, "Binary Encoding") from one
 * value's bytes: nothing is read beyond the end, nothing is invented for bytes that are not valid.
 *
 *     int, long = zig-zag, then base 128 with the lowest 7 bits first; at most 5 and 10 bytes
 *     string    = long byte count, UTF-8          bytes = long byte count, bytes
 *     blocks    = { count items | -count byteSize items } 0
 *
 * Every fault is a `ReadFailure`. One cursor serves all events of a reader, so nothing is allocated
 * per event but the values themselves.
 */
import { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX } from '../limits.ts';
import { AsciiStrings } from './ascii-strings.ts';
import { ReadFailure } from './read-failure.ts';

const TWO_32 = 4_294_967_296;

const EMPTY: Uint8Array = new Uint8Array(0);

export class AvroCursor {
  position = 0;
  /** Where the block just begun says it ends; -1 where it does not say. */
  blockEnd = -1;
  #bytes = EMPTY;
  #view: DataView = new DataView(EMPTY.buffer);
  /** Where `#bytes` starts in the buffer that `#view` covers. */
  #viewOffset = 0;
  #end = 0;
  #depth = 0;
  #itemsLeft = 0;
  /** The 64 bits of the last long that took more than four bytes. */
  #high = 0;
  #low = 0;
  readonly #strings = new AsciiStrings();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  reset(bytes: Uint8Array, position: number): void {
    this.#bytes = bytes;
    // Records of one fetch lie in one buffer: its view is kept.
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer);
    this.#viewOffset = bytes.byteOffset;
    this.#end = bytes.length;
    this.position = position;
    this.#depth = 0;
    this.#itemsLeft = EVENT_ITEMS_MAX;
  }

  expectEnd(): void {
    if (this.position === this.#end) return;
    const message = `${this.#end - this.position} bytes are left after the value, expected none`;
    throw new ReadFailure('decode.trailing-bytes', message);
  }

  /** A record, array or map begins. */
  enter(): void {
    if (++this.#depth > EVENT_DEPTH_MAX) {
      throw new ReadFailure('decode.limit', `nested deeper than ${EVENT_DEPTH_MAX}`);
    }
  }

  leave(): void {
    this.#depth--;
  }

  takeItems(count: number): void {
    this.#itemsLeft -= count;
    if (this.#itemsLeft < 0) {
      const message = `more than ${EVENT_ITEMS_MAX} items in arrays and maps`;
      throw new ReadFailure('decode.limit', message);
    }
  }

  readBoolean(): boolean {
    const byte = this.#readByte();
    if (byte > 1) throw this.#malformed(`a boolean is ${byte}, expected 0 or 1`);
    return byte === 1;
  }

  readInt(): number {
    let byte = this.#readByte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let bits = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.#readByte();
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
    }
    byte = this.#readByte();
    if (byte > 0x0f) throw this.#malformed('an int is longer than 32 bits');
    bits |= byte << 28;
    return (bits >>> 1) ^ -(bits & 1);
  }

  /** Exact where it is a safe integer; for another one see `lastLong`. */
  readLong(): number {
    let byte = this.#readByte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let bits = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.#readByte();
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
    }
    return this.#readLongTail(bits);
  }

  /** The long that `readLong` just gave as an unsafe integer, exactly. */
  lastLong(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0);
  }

  readFloat(): number {
    const start = this.#take(4);
    return this.#view.getFloat32(this.#viewOffset + start, true);
  }

  readDouble(): number {
    const start = this.#take(8);
    return this.#view.getFloat64(this.#viewOffset + start, true);
  }

  /** A copy: what is read outlives the record's buffer. */
  readBytes(): Uint8Array {
    return this.readFixed(this.#readLength('bytes'));
  }

  readFixed(byteLength: number): Uint8Array {
    const start = this.#take(byteLength);
    return new Uint8Array(this.#bytes.subarray(start, start + byteLength));
  }

  readString(): string {
    const byteLength = this.#readLength('a string');
    const start = this.#take(byteLength);
    return (
      this.#strings.find(this.#bytes, start, byteLength) ??
      this.#decodeText(start, start + byteLength)
    );
  }

  skip(byteLength: number): void {
    this.#take(byteLength);
  }

  skipLengthPrefixed(): void {
    this.#take(this.#readLength('a skipped value'));
  }

  /** An index of a union branch or an enum symbol. */
  readIndex(count: number, what: string): number {
    const index = this.readLong();
    if (index >= 0 && index < count) return index;
    throw this.#malformed(`${what} index is ${index}, expected 0 to ${count - 1}`);
  }

  /** Items of the next block, which the caller reads before it calls `closeBlock`; 0 after the last. */
  readBlock(): number {
    const count = this.readLong();
    this.takeItems(Math.abs(count));
    if (count >= 0) {
      this.blockEnd = -1;
      return count;
    }
    const byteLength = this.#readLength('a block');
    this.blockEnd = this.position + byteLength;
    return -count;
  }

  /**
   * `end` is `blockEnd` as `readBlock` left it. A stated size must be true: whoever passes over the
   * block believes it, and two readers of one record must not disagree.
   */
  closeBlock(end: number): void {
    if (end < 0 || end === this.position) return;
    throw this.#malformed(`a block was said to end at byte ${end}`);
  }

  /** As `readBlock`, but passes over blocks that state their size in bytes. */
  skipBlock(): number {
    for (;;) {
      const count = this.readLong();
      this.takeItems(Math.abs(count));
      if (count >= 0) return count;
      this.#take(this.#readLength('a block'));
    }
  }

  #readLongTail(low28: number): number {
    let byte = this.#readByte();
    let low = low28 | (byte << 28);
    let high = (byte & 0x7f) >> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      byte = this.#readByte();
      if (shift === 31 && byte > 1) throw this.#malformed('a long is longer than 64 bits');
      high |= (byte & 0x7f) << shift;
    }
    const sign = -(low & 1);
    low = ((low >>> 1) | (high << 31)) ^ sign;
    high = (high >>> 1) ^ sign;
    this.#low = low;
    this.#high = high;
    return high * TWO_32 + (low >>> 0);
  }

  #readByte(): number {
    const { position } = this;
    if (position >= this.#end) throw this.#truncated(1);
    this.position = position + 1;
    return this.#bytes[position]!;
  }

  /** Moves on and returns where it was; `byteLength` is not negative. */
  #take(byteLength: number): number {
    const start = this.position;
    if (byteLength > this.#end - start) throw this.#truncated(byteLength);
    this.position = start + byteLength;
    return start;
  }

  #readLength(what: string): number {
    const byteLength = this.readLong();
    if (byteLength < 0)
      throw this.#malformed(`${what} has ${byteLength} bytes, expected 0 or more`);
    return byteLength;
  }

  #decodeText(start: number, end: number): string {
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, end));
    } catch {
      throw new ReadFailure('decode.malformed', `a string at byte ${start} is not valid UTF-8`);
    }
  }

  #truncated(neededBytes: number): ReadFailure {
    const message = `the value ends at byte ${this.#end}, expected ${neededBytes} more after byte ${this.position}`;
    return new ReadFailure('decode.truncated', message);
  }

  #malformed(what: string): ReadFailure {
    return new ReadFailure('decode.malformed', `${what}, before byte ${this.position}`);
  }
}
