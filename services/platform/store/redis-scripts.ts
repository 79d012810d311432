/**
 * The two Lua scripts of the Redis state store.
 *
 * A failing script does not roll back, so each one reads and checks everything before its first
 * write; what can still fail after that (a wrong type, no memory) Redis refuses at the first read or
 * before the script starts. Epochs and positions are compared as the strings they are stored as: a
 * Lua number is a double and loses whole numbers above 2^53.
 */
import { createHash } from 'node:crypto';
import { EPOCH_FIELD, POSITION_FIELD } from './redis-shard-key.ts';

export interface Script {
  readonly source: string;
  /** What EVALSHA names it by. */
  readonly sha1: string;
}

/** KEYS: shard. ARGV: lifetime ms, 0 for ever. Returns field, value, field, value … with the new epoch. */
export const CLAIM_SCRIPT = script(`
redis.call('HINCRBY', KEYS[1], '${EPOCH_FIELD}', 1)
if ARGV[1] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return redis.call('HGETALL', KEYS[1])
`);

/**
 * KEYS: shard. ARGV: epoch, '1' where a position is expected and '0' where none is, the expected
 * position, the new position, lifetime ms or 0 for ever, number of deletes, the fields to delete, then field,
 * value, field, value …
 *
 * Fields go to HDEL and HSET a thousand at a time, because Lua's \`unpack\` is limited by its stack.
 */
export const COMMIT_SCRIPT = script(`
local epoch = redis.call('HGET', KEYS[1], '${EPOCH_FIELD}')
local position = redis.call('HGET', KEYS[1], '${POSITION_FIELD}')
if epoch ~= ARGV[1] then return { 'fenced', epoch or '0' } end
local expected = false
if ARGV[2] == '1' then expected = ARGV[3] end
if position ~= expected then return { 'position-mismatch', position } end
local deletesEnd = 6 + tonumber(ARGV[6])
for first = 7, deletesEnd, 1000 do
  redis.call('HDEL', KEYS[1], unpack(ARGV, first, math.min(first + 999, deletesEnd)))
end
for first = deletesEnd + 1, #ARGV, 1000 do
  redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
redis.call('HSET', KEYS[1], '${POSITION_FIELD}', ARGV[4])
if ARGV[5] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return { 'committed' }
`);

function script(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}
