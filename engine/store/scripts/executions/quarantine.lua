#!lua flags=allow-oom
--[[ quarantine
  Set an execution that its holder cannot go on with aside, so that the others are not held up. Data and inbox stay.

  KEYS[1] x hash, [2] ready zset of the partition, [3] quarantined zset: ids by start
  ARGV[1] ref, [2] nonce of the holder, [3] reason
  Returns 1, or 0 when the nonce is not the holder's (nothing was written).
]]
--- @include types
local at = redis.call('HMGET', KEYS[1], 'own', 'started')
if at[1] ~= ARGV[2] then return 0 end
expect('ZCARD', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'own', '', 'quarantine', ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], at[2], string.match(ARGV[1], ':(.*)$'))
return 1
