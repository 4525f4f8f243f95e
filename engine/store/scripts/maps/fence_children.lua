#!lua flags=allow-oom
--[[ fence_children
  Whoever has taken a Map Run lets no one who had it before start its children in this partition any more.

  KEYS[1] hash of ends of the run in the partition
  ARGV[1] how often the run has been taken
  Returns the number that is the fence from now on.
]]
redis.call('PERSIST', KEYS[1])
local fence = redis.call('HGET', KEYS[1], 'by')
if fence and tonumber(fence) >= tonumber(ARGV[1]) then return fence end
redis.call('HSET', KEYS[1], 'by', ARGV[1])
return ARGV[1]
