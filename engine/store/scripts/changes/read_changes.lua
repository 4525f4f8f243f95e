--[[ read_changes
  Read a partition's changes of executions from a place on, with the time of the reading: what is added later is not older.

  KEYS[1] stream of the namespace in the partition, [2] bell string: there while a follower wants to be told of the next change
  ARGV[1] start of an XRANGE, [2] most entries, [3] arm_ms: how long the bell stays armed (0 = leave it)
  Returns {now_ms, id of the oldest entry if older ones were dropped or "", {{id, {field, bytes ...}} ...}}
]]
--- @include clock
local now, oldest = now_ms(), ''
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
if ARGV[3] ~= '0' then redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) end
if redis.call('XLEN', KEYS[1]) > 0 then
  local about, facts = 'STREAM', {}
  local found = redis.call('XINFO', about, KEYS[1])
  for at = 1, #found, 2 do facts[found[at]] = found[at + 1] end
  if facts['entries-added'] > facts['length'] then oldest = facts['first-entry'][1] end
end
return {text(now), oldest, entries}
