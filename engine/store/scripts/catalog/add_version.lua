--[[ add_version
  Store a definition's text as its next version, unless the content equals the newest one's. Its type never changes.

  KEYS[1] definition hash (current, hash, created, type, v:<n>), [2] definitions hash (name -> newest version, its
  time, and the type where that is not STANDARD)
  ARGV[1] name, [2] content hash, [3] text, [4] format, [5] type (STANDARD, EXPRESS)
  Returns {version, created_ms, 1 = new | 0 = unchanged | -1 = refused, the definition has another type}
]]
--- @include clock
--- @include types
local at = redis.call('HMGET', KEYS[1], 'current', 'hash', 'created', 'type')
if at[1] and (at[4] or 'STANDARD') ~= ARGV[5] then return {at[1], at[3], -1} end
if at[2] == ARGV[2] then return {at[1], at[3], 0} end
expect('HLEN', KEYS[2])
local version, now = text(tonumber(at[1] or '0') + 1), text(now_ms())
redis.call('HSET', KEYS[1], 'current', version, 'hash', ARGV[2], 'created', now, 'type', ARGV[5],
  'v:' .. version, cmsgpack.pack({ARGV[2], now, ARGV[4], ARGV[3]}))
redis.call('HSET', KEYS[2], ARGV[1], version .. ' ' .. now .. (ARGV[5] == 'STANDARD' and '' or ' ' .. ARGV[5]))
return {version, now, 1}
