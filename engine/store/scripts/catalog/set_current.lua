--[[ set_current
  Make a version the one that starts in this partition use, unless a newer one is already.

  KEYS[1] definitions hash of the partition
  ARGV[1] name, [2] version
  Returns the version that is current afterwards.
]]
local at = redis.call('HGET', KEYS[1], ARGV[1])
if at and tonumber(at) >= tonumber(ARGV[2]) then return at end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
