--[[ add_version
  Store a definition's text as its next version, unless the content equals the newest one's.

  KEYS[1] definition hash (current, hash, created, v:<n>), [2] definitions hash (name -> newest version and its time)
  ARGV[1] name, [2] content hash, [3] text, [4] format
  Returns {version, created_ms, 1 = new | 0 = unchanged}
]]
--- @include clock
--- @include types
local at = redis.call('HMGET', KEYS[1], 'current', 'hash', 'created')
if at[2] == ARGV[2] then return {at[1], at[3], 0} end
expect('HLEN', KEYS[2])
local version, now = text(tonumber(at[1] or '0') + 1), text(now_ms())
redis.call('HSET', KEYS[1], 'current', version, 'hash', ARGV[2], 'created', now,
  'v:' .. version, cmsgpack.pack({ARGV[2], now, ARGV[4], ARGV[3]}))
redis.call('HSET', KEYS[2], ARGV[1], version .. ' ' .. now)
return {version, now, 1}
