/**
 * The entries of the prediction cache: the least recently used goes first, and none outlives its time.
 *
 * Values lie in one typed array and the order of use is a list in two others, so that ten million
 * entries are ten million keys in a map and nothing else for the garbage collector to walk. The
 * arrays grow as entries come. (lru-cache keeps an object for each value, and its adapter in
 * platform/registry is for another port.)
 */

/** No slot: the end of a list, or a key without an entry. */
const NONE = -1;
const SLOTS_FIRST = 1_024;

export class PredictionEntries {
  readonly #entriesMax: number;
  readonly #ttlMs: number;
  readonly #width: number;
  readonly #slots = new Map<string, number>();
  #keys: string[] = [];
  #values = new Float64Array(0);
  #expiresMs = new Float64Array(0);
  /** Towards the more recently used, and towards the less; free slots hang together by `#older`. */
  #newer = new Int32Array(0);
  #older = new Int32Array(0);
  #newest = NONE;
  #oldest = NONE;
  #free = NONE;
  #evictions = 0;

  /** `width` numbers each; a time of 0: for ever. */
  constructor(options: {
    readonly entriesMax: number;
    readonly ttlMs: number;
    readonly width: number;
  }) {
    this.#entriesMax = options.entriesMax;
    this.#ttlMs = options.ttlMs === 0 ? Number.POSITIVE_INFINITY : options.ttlMs;
    this.#width = options.width;
  }

  get count(): number {
    return this.#slots.size;
  }

  /** Entries that had to make room for others while their time was not over. */
  get evictions(): number {
    return this.#evictions;
  }

  /** `null` where there is none, or its time is over. */
  get(key: string, nowMs: number): readonly number[] | null {
    const slot = this.#slots.get(key) ?? NONE;
    if (slot === NONE) return null;
    if (nowMs >= this.#expiresMs[slot]!) {
      this.#remove(slot);
      return null;
    }
    if (slot !== this.#newest) {
      this.#unlink(slot);
      this.#link(slot);
    }
    const start = slot * this.#width;
    const values: number[] = [];
    for (let i = 0; i < this.#width; i++) values.push(this.#values[start + i]!);
    return values;
  }

  set(key: string, values: readonly number[], nowMs: number): void {
    let slot = this.#slots.get(key) ?? NONE;
    if (slot === NONE) {
      slot = this.#take(nowMs);
      this.#slots.set(key, slot);
      this.#keys[slot] = key;
    } else {
      this.#unlink(slot);
    }
    this.#link(slot);
    this.#values.set(values, slot * this.#width);
    this.#expiresMs[slot] = nowMs + this.#ttlMs;
  }

  /** A slot for a new entry. */
  #take(nowMs: number): number {
    if (this.#slots.size === this.#entriesMax) {
      if (nowMs < this.#expiresMs[this.#oldest]!) this.#evictions += 1;
      this.#remove(this.#oldest);
    } else if (this.#free === NONE) {
      this.#grow();
    }
    const slot = this.#free;
    this.#free = this.#older[slot]!;
    return slot;
  }

  #grow(): void {
    const from = this.#newer.length;
    const to = Math.min(this.#entriesMax, Math.max(SLOTS_FIRST, 2 * from));
    const values = new Float64Array(to * this.#width);
    const expiresMs = new Float64Array(to);
    const newer = new Int32Array(to);
    const older = new Int32Array(to);
    values.set(this.#values);
    expiresMs.set(this.#expiresMs);
    newer.set(this.#newer);
    older.set(this.#older);
    for (let slot = from; slot < to; slot += 1) older[slot] = slot + 1 === to ? NONE : slot + 1;
    this.#free = from;
    this.#values = values;
    this.#expiresMs = expiresMs;
    this.#newer = newer;
    this.#older = older;
  }

  #remove(slot: number): void {
    this.#unlink(slot);
    this.#slots.delete(this.#keys[slot]!);
    this.#keys[slot] = '';
    this.#older[slot] = this.#free;
    this.#free = slot;
  }

  #unlink(slot: number): void {
    const newer = this.#newer[slot]!;
    const older = this.#older[slot]!;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
  }

  /** As the most recently used one. */
  #link(slot: number): void {
    this.#newer[slot] = NONE;
    this.#older[slot] = this.#newest;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }
}
