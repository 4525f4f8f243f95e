#!lua flags=allow-oom
--[[ release
  Let go of an execution without committing: it is ready again at once, for another holder.

  KEYS[1] x hash, [2] ready zset of the partition
  ARGV[1] ref, [2] nonce, [3] reset: "1" forgets the count of claims (the holder yields of its own will)
  Returns 1, or 0 when the nonce is not the holder's (nothing was written).
]]
--- @include clock
--- @include types
if redis.call('HGET', KEYS[1], 'own') ~= ARGV[2] then return 0 end
expect('ZCARD', KEYS[2])
redis.call('HSET', KEYS[1], 'own', '', 'until', '0')
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'claims', '0') end
redis.call('ZADD', KEYS[2], text(now_ms()), ARGV[1])
return 1
