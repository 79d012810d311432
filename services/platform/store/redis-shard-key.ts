/**
 * Where a shard lives in Redis: one hash per shard.
 *
 *     <prefix>tg:{<run>/<monitor>/<service>/<topic>/<partition>}:state
 *
 *     @epoch       the highest epoch ever claimed, decimal
 *     @position    the position of the last commit; absent where there was none
 *     =<key>       one entry of the state
 *
 * One key and not several: epoch, position and entries can then only be evicted, expire or be lost
 * in a failover together, and never leave a position without the state that belongs to it. The
 * braces make the shard the hash tag, so that any key added beside it lands on the same node of a
 * Redis Cluster. Each part is percent-encoded: no name can hold a brace, a slash or a character
 * that means something in a SCAN pattern.
 */
import type { ShardId } from './state-store.ts';

export const EPOCH_FIELD = '@epoch';
export const POSITION_FIELD = '@position';
const ENTRY_MARK = '=';

export function shardKey(prefix: string, shard: ShardId): string {
  const parts = [shard.run, shard.monitor, shard.service, shard.topic, String(shard.partition)];
  return `${prefix}tg:{${parts.map(encodePart).join('/')}}:state`;
}

/** The SCAN pattern that matches every shard of one run and no other. */
export function runPattern(prefix: string, run: string): string {
  return `${escapeGlob(prefix)}tg:{${encodePart(run)}/*}:state`;
}

export function entryField(key: string): string {
  return ENTRY_MARK + key;
}

/** `null` where the field is not an entry. */
export function entryKey(field: string): string | null {
  return field.startsWith(ENTRY_MARK) ? field.slice(ENTRY_MARK.length) : null;
}

/** `encodeURIComponent` leaves the asterisk alone, which SCAN would read as a wildcard. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replaceAll('*', '%2A');
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}
