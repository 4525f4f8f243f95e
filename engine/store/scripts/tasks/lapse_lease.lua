#!lua flags=allow-oom
--[[ lapse_lease
  A worker's lease has run out, or is given back: the task goes back to the head of its queue, under the same token.

  KEYS[1] timers zset, [2] tasks hash, [3] leases hash, [4] queue zset, [5] queues set: of the partition
  ARGV[1] task id, [2] queue as the queues set names it, [3] bell, [4] ref, [5] the lease that is given back ("" = one that has run out)
  Returns 1, or 0 when the lease was extended, ended or lapsed already, or is another's (nothing was written but a dead timer's removal).
]]
--- @include bell
--- @include clock
--- @include types
local timers, tasks, leases, queue, id = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
if ARGV[5] == '' then
  local due = redis.call('ZSCORE', timers, id .. '#lease')
  if not due or tonumber(due) > now_ms() then return 0 end
elseif string.match(redis.call('HGET', leases, id) or '', '^[^|]*') ~= ARGV[5] then
  return 0
end
local open, idle = redis.call('HEXISTS', tasks, id) == 1, redis.call('ZCARD', queue) == 0
expect('HLEN', leases)
expect('SCARD', KEYS[5])
redis.call('ZREM', timers, id .. '#lease')
if redis.call('HDEL', leases, id) == 0 or not open then return 0 end
redis.call('ZADD', queue, 0, id)
if idle then
  redis.call('SADD', KEYS[5], ARGV[2])
  ring(ARGV[3], 'queue ' .. ARGV[4] .. ' ' .. ARGV[2])
end
return 1
