--[[ set_current
  Make a version the one that starts in this partition use, unless a newer one is already; or have nothing start any more.

  KEYS[1] definitions hash of the partition (definition -> version, "<definition>:first" -> first version since it was made)
  ARGV[1] name, [2] version; "-<version>": the definition was deleted when that was its last, [3] first version ("" = as it is)
  Returns what stands there afterwards.
]]
local at = redis.call('HGET', KEYS[1], ARGV[1])
local old, new = tonumber(at or '0'), tonumber(ARGV[2])
-- A deletion comes after every version up to its number, whichever of them is told here first.
if math.abs(old) > math.abs(new) or (math.abs(old) == math.abs(new) and old <= new) then return at end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], ARGV[1] .. ':first', ARGV[3]) end
return ARGV[2]
