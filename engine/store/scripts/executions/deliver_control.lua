#!lua flags=allow-oom
--[[ deliver_control
  Put a control event (stop, migrate ...) before everything else that waits for a running execution. One of an
  operation on many executions is put once, however often it is tried, and is noted as not answered yet.

  KEYS[1] x hash, [2] control list, [3] ready zset of the partition, [4] seen zset of the execution
  KEYS[5] set of the operation in the partition: ids that have not answered (only with an operation)
  KEYS[6] quarantined zset: ids by start
  ARGV[1] ref, [2] entry, [3] bell, [4] watch_ms (0 = none): the caller wants to hear of the next commits for so long
  ARGV[5] operation ("" = none), [6] execution id, [7] seen_max, [8] keep_ms: after so long it is not told
  any more that this one has not answered (0 = for good), [9] "1": it ends the execution, whatever state that is in: from
  now on no outcome of its tasks is accepted, for none would count
  Returns {"OK"} | {"REPEAT"} | {"CLOSED", status} | {"UNKNOWN"} | {"QUOTA"}; only OK wrote.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include let_out
local at = redis.call('HMGET', KEYS[1], 'own', 'until', 'quarantine', 'status')
if not at[4] then return {'UNKNOWN'} end
if at[4] ~= 'RUNNING' then return {'CLOSED', at[4]} end
local operation = ARGV[5] ~= '' and 'op ' .. ARGV[5]
if operation and redis.call('ZSCORE', KEYS[4], operation) then return {'REPEAT'} end
if redis.call('LLEN', KEYS[2]) >= 100 then return {'QUOTA'} end
expect('ZCARD', KEYS[3], KEYS[4], KEYS[6])
if operation then expect('SCARD', KEYS[5]) end
local now = now_ms()
-- A stop must end a quarantined execution too, and a migration may be what heals it: it is let out for this one event.
if at[3] then
  let_out(KEYS[1], KEYS[6], ARGV[1])
  at[3] = false
end
if tonumber(ARGV[4]) > 0 then redis.call('HSET', KEYS[1], 'watch', text(now + tonumber(ARGV[4]))) end
if operation then
  redis.call('ZADD', KEYS[4], text(now), operation)
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - tonumber(ARGV[7]))
  redis.call('SADD', KEYS[5], ARGV[6])
  if tonumber(ARGV[8]) > 0 then redis.call('PEXPIRE', KEYS[5], ARGV[8]) end
end
if ARGV[9] == '1' then redis.call('HSET', KEYS[1], 'stopping', '1') end
redis.call('RPUSH', KEYS[2], ARGV[2])
wake(KEYS[3], ARGV[1], at, now, ARGV[3])
return {'OK'}
