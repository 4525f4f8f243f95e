--[[ add_version
  Store a definition's text as its next version. Its type never changes while it is there; one that was deleted begins
  anew, with the next number.

  KEYS[1] definition hash (current, hash, created, type, first, born, deleted, v:<n>), [2] definitions hash (name ->
  newest version, its time, and the type where that is not STANDARD), [3] profile hash of the definition, [4] untold zset,
  to which the version is added until every partition was told of it
  ARGV[1] name, [2] content hash, [3] text, [4] format, [5] type (STANDARD, EXPRESS), [6] attributes, opaque
  ARGV[7] the newest version as the caller knows it ("0" = none): the text becomes a version, whatever it equals; or ""
  = any: it does unless its content equals the newest one's, and the newest one's attributes go on
  ARGV[8] tags of a definition that is made by this, opaque ("" = none)
  Returns {version, created_ms, 1 = new | 0 = unchanged | -1 = refused, it has another type | -2 = refused, another is the
  newest, first version since it was made}
]]
--- @include clock
--- @include types
local at = redis.call('HMGET', KEYS[1], 'current', 'hash', 'created', 'type', 'deleted', 'first')
local last, first = at[1] or '0', at[6] or '1'
local newest = at[5] and '0' or last
if ARGV[7] ~= '' and ARGV[7] ~= newest then return {newest, at[3] or '0', -2, first} end
if newest ~= '0' and (at[4] or 'STANDARD') ~= ARGV[5] then return {newest, at[3], -1, first} end
if newest ~= '0' and ARGV[7] == '' and at[2] == ARGV[2] then return {newest, at[3], 0, first} end
expect('HLEN', KEYS[2], KEYS[3])
expect('ZCARD', KEYS[4])
local attributes = ARGV[6]
if newest ~= '0' and ARGV[7] == '' then
  attributes = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'v:' .. newest))[5] or ''
end
local version, now = text(tonumber(last) + 1), text(now_ms())
if newest == '0' then
  first = version
  redis.call('HSET', KEYS[1], 'first', first, 'born', now)
  redis.call('HDEL', KEYS[1], 'deleted')
  if ARGV[8] ~= '' then redis.call('HSET', KEYS[3], 'rev', '1', 'tags', ARGV[8]) end
end
redis.call('HSET', KEYS[1], 'current', version, 'hash', ARGV[2], 'created', now, 'type', ARGV[5],
  'v:' .. version, cmsgpack.pack({ARGV[2], now, ARGV[4], ARGV[3], attributes, first}))
redis.call('HSET', KEYS[2], ARGV[1], version .. ' ' .. now .. (ARGV[5] == 'STANDARD' and '' or ' ' .. ARGV[5]))
-- Of an Express definition partitions are told nothing.
if ARGV[5] == 'STANDARD' then redis.call('ZADD', KEYS[4], now, ARGV[1] .. ' ' .. version .. ' ' .. first) end
return {version, now, 1, first}
