/**
 * What a redrive keeps in the state store, per partition of the quarantine topic.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `redriven:<block>` | byte version 1, then a bit per offset of the event topic: what was announced or sent | until neither topic holds an event of the block |
 *
 * The announced batch stands in the outbox (platform/lifecycle/outbox.ts). The position's offset is one
 * of the event topic: what was redriven before it is in these entries, what was sent after it must be
 * looked for there.
 */
import { CodedError } from '../core/errors.ts';
import { OFFSET_BLOCK_BYTES, OffsetSet } from './offset-set.ts';

const PREFIX = 'redriven:';
const VERSION = 1;

export function redrivenKey(block: number): string {
  return PREFIX + String(block);
}

export function encodeBlock([block, bytes]: readonly [number, Uint8Array]): [string, Uint8Array] {
  const encoded = new Uint8Array(1 + bytes.length);
  encoded[0] = VERSION;
  encoded.set(bytes, 1);
  return [redrivenKey(block), encoded];
}

/** Throws `state.corrupt`. */
export function restoreRedriven(entries: ReadonlyMap<string, Uint8Array>): OffsetSet {
  return new OffsetSet([...entries].map(decodeBlock));
}

function decodeBlock([key, bytes]: readonly [string, Uint8Array]): [number, Uint8Array] {
  const match = /^redriven:(\d{1,12})$/.exec(key);
  if (match === null || bytes[0] !== VERSION || bytes.length > 1 + OFFSET_BLOCK_BYTES) {
    throw new CodedError(
      'state.corrupt',
      `entry ${key} of ${bytes.length} bytes is no block of redriven offsets of version ${VERSION}`,
    );
  }
  return [Number(match[1]), bytes.subarray(1)];
}
