/**
 * Drops what a crash or a zombie repeated: a record passes only if its origin offset is beyond the
 * last one seen of its origin partition. Sound because every hop keeps partition and order, so a
 * repeat is always a contiguous run that was seen before.
 */
import type { Origin } from './origin.ts';

export class OriginFilter {
  readonly #lastOffsets: Map<string, number>;

  /** `lastOffsets`: `topic:partition` to the last offset that passed, as `snapshot` gave it. */
  constructor(lastOffsets: Readonly<Record<string, number>> = {}) {
    this.#lastOffsets = new Map(Object.entries(lastOffsets));
  }

  /** True when the origin advances, which it then has. */
  advance(origin: Origin): boolean {
    const key = `${origin.topic}:${origin.partition}`;
    const last = this.#lastOffsets.get(key);
    if (last !== undefined && origin.offset <= last) return false;
    this.#lastOffsets.set(key, origin.offset);
    return true;
  }

  /** In key order, so that equal filters give equal bytes. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#lastOffsets].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
