#!lua flags=allow-oom
--[[ mark
  Write something. WAIT speaks of what its connection has written; after a mark it covers also what was only read there.

  KEYS[1] mark  string  "1"
  Returns 1
]]
redis.call('SET', KEYS[1], '1')
return 1
