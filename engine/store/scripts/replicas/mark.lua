#!lua flags=allow-oom
--[[ mark
  Write something. WAIT speaks of what its connection has written; after a mark it covers also what was only read there.
  Nothing stays: in a slot that is being moved, a key left at both nodes would put an end to the move (BUSYKEY).

  KEYS[1] mark  string  gone again when the script ends
  Returns 1
]]
redis.call('SET', KEYS[1], '1')
redis.call('DEL', KEYS[1])
return 1
