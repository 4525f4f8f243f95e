--[[ change_profile
  Change what a definition is besides its versions, and its aliases with it, if it still is as the caller has read it.

  KEYS[1] definition hash (current, deleted, first), [2] profile hash, [3] aliases hash: of the definition
  ARGV[1] first version since the definition was made, as read, [2] revision of the profile, as read ("0" = there is none)
  ARGV[3] msgpack: set {field, value ...}, gone {field ...}, routes {alias, value as read, value after it ...} ("" = none)
  Returns "OK" | "STALE": something else came first, and nothing was written.
]]
--- @include types
local definition = redis.call('HMGET', KEYS[1], 'current', 'deleted', 'first')
if not definition[1] or definition[2] or (definition[3] or '1') ~= ARGV[1] then return 'STALE' end
local revision = redis.call('HGET', KEYS[2], 'rev') or '0'
if revision ~= ARGV[2] then return 'STALE' end
local e = cmsgpack.unpack(ARGV[3])
expect('HLEN', KEYS[3])
for i = 1, #e.routes, 3 do
  if (redis.call('HGET', KEYS[3], e.routes[i]) or '') ~= e.routes[i + 1] then return 'STALE' end
end
redis.call('HSET', KEYS[2], 'rev', string.format('%.0f', tonumber(revision) + 1), unpack(e.set))
if #e.gone > 0 then redis.call('HDEL', KEYS[2], unpack(e.gone)) end
for i = 1, #e.routes, 3 do
  if e.routes[i + 2] == '' then
    redis.call('HDEL', KEYS[3], e.routes[i])
  else
    redis.call('HSET', KEYS[3], e.routes[i], e.routes[i + 2])
  end
end
return 'OK'
