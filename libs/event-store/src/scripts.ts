/**
 * What is done to the store in one step that nobody sees halfway. Keys of every script: 1 the head (`epoch`, `run`,
 * `revision`), 2 the objects by key, 3 their keys by the time at which they expire, 4 the stream of changes.
 *
 * Each change takes the next revision, and its entry in the stream has that revision as its id: a reader that finds a gap
 * knows that it has missed something. A change under another epoch than the store's is refused with -1.
 */
export const scripts = {
  /**
   * Arguments: the server's run id, a new epoch, in case it is wanted. A server that was started anew may have lost the
   * newest writes, which somebody has seen: then another epoch begins, with revisions beyond all that were given (its
   * clock in milliseconds serves: nothing is written a thousand times a second for good) and without the history.
   * Answers with epoch and revision.
   */
  attach: `
local held = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'revision')
if held[1] and held[2] == ARGV[1] then return {held[1], held[3]} end
local time = redis.call('TIME')
local revision = math.max(tonumber(held[3] or 0) + 1, time[1] * 1000 + math.floor(time[2] / 1000))
local text = string.format('%.0f', revision)
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'run', ARGV[1], 'revision', text)
return {ARGV[2], text}`,

  /**
   * Arguments: epoch, key, the mod revision that is demanded (0: none there; empty: any), value, milliseconds to live,
   * entries of the stream to keep. Answers with {1 or 0, revision}: whether it was written, and where the store stands.
   */
  put: `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {-1, 0} end
local held = redis.call('HGET', KEYS[2], ARGV[2])
local create, mod, version = nil, '0', 0
if held then create, mod, version = string.match(held, '^(%d+) (%d+) (%d+)\\n') end
if ARGV[3] ~= '' and ARGV[3] ~= mod then return {0, tonumber(redis.call('HGET', KEYS[1], 'revision'))} end
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
local text = string.format('%.0f', revision)
local record = (create or text) .. ' ' .. text .. ' ' .. string.format('%.0f', version + 1) .. '\\n' .. ARGV[4]
local time = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[2], record)
redis.call('ZADD', KEYS[3], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]), ARGV[2])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], text .. '-0', 'key', ARGV[2], 'record', record)
return {1, revision}`,

  /** Arguments: epoch, key, the mod revision that is demanded (as with put), entries of the stream to keep. {2, …}: nothing was there. */
  delete: `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {-1, 0} end
local held = redis.call('HGET', KEYS[2], ARGV[2])
local mod = held and string.match(held, '^%d+ (%d+) ') or '0'
if ARGV[3] ~= '' and ARGV[3] ~= mod then return {0, tonumber(redis.call('HGET', KEYS[1], 'revision'))} end
if not held then return {2, tonumber(redis.call('HGET', KEYS[1], 'revision'))} end
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], string.format('%.0f-0', revision), 'key', ARGV[2])
return {1, revision}`,

  /** Arguments: epoch, how many at most, entries of the stream to keep. Deletes what has expired; answers with {how many, revision}. */
  expire: `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {-1, 0} end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, key in ipairs(due) do
  redis.call('ZREM', KEYS[3], key)
  if redis.call('HDEL', KEYS[2], key) == 1 then
    local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], string.format('%.0f-0', revision), 'key', key)
  end
end
return {#due, tonumber(redis.call('HGET', KEYS[1], 'revision'))}`,
} as const;

export type ScriptName = keyof typeof scripts;

/** The four keys of one cluster's events: under one hash tag, so that a Redis of several shards keeps them together. */
export function keysOf(clusterId: string): readonly [string, string, string, string] {
  const tag = `{trireme:${clusterId}:events}`;
  return [`${tag}:head`, `${tag}:objects`, `${tag}:expiry`, `${tag}:changes`];
}
