--[[ set_alias
  Point an alias of a definition at versions of it, all of which exist: a start sees the routing before or after, never half.

  KEYS[1] definition hash (current, deleted, first, v:<n>), [2] aliases hash of the definition (alias -> "<created ms> <updated ms> <routing>")
  ARGV[1] alias, [2] routing, opaque, [3] most aliases of one definition, [4] version numbers with spaces between
  Returns {"OK", created_ms, updated_ms, 1 = new | 0 = changed} | {"UNKNOWN", version, or "" without a definition} | {"QUOTA"}
]]
--- @include clock
local at = redis.call('HGET', KEYS[2], ARGV[1])
local definition = redis.call('HMGET', KEYS[1], 'current', 'deleted', 'first')
if not definition[1] or definition[2] then return {'UNKNOWN', ''} end
for version in ARGV[4]:gmatch('%d+') do
  local is_old = tonumber(version) < tonumber(definition[3] or '1')
  if is_old or redis.call('HEXISTS', KEYS[1], 'v:' .. version) == 0 then return {'UNKNOWN', version} end
end
if not at and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then return {'QUOTA'} end
local now = text(now_ms())
local created = at and at:match('^%d+') or now
redis.call('HSET', KEYS[2], ARGV[1], created .. ' ' .. now .. ' ' .. ARGV[2])
return {'OK', created, now, at and 0 or 1}
