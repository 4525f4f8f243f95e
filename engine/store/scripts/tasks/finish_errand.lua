#!lua flags=allow-oom
--[[ finish_errand
  An errand is done: take it out of the outbox. Once the last of those that were to be told of an end has been, the
  execution that ended can be pruned.

  KEYS[1] tasks hash, [2] leases hash, [3] timers zset, [4] queue zset, [5] queues set: of the partition; [6] x hash
  ARGV[1] task id, [2] queue as the queues set names it, [3] key of the start whose parent was told ("" = none)
  Returns 1, or 0 when it had been taken out before.
]]
--- @include types
expect('HLEN', KEYS[1], KEYS[2], KEYS[6])
expect('ZCARD', KEYS[3], KEYS[4])
expect('SCARD', KEYS[5])
local noted = ARGV[3] ~= '' and redis.call('HGET', KEYS[6], 'tell')
local done = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1] .. '#lease')
if redis.call('ZREM', KEYS[4], ARGV[1]) == 1 and redis.call('ZCARD', KEYS[4]) == 0 then
  redis.call('SREM', KEYS[5], ARGV[2])
end
if noted then
  local left = cmsgpack.unpack(noted)
  left[ARGV[3]] = nil
  if next(left) then
    redis.call('HSET', KEYS[6], 'tell', cmsgpack.pack(left))
  else
    redis.call('HDEL', KEYS[6], 'tell')
  end
end
return done
