#!lua flags=allow-oom
--[[ deliver_control
  Put a control event (stop) before everything else that waits for a running execution.

  KEYS[1] x hash, [2] control list, [3] ready zset of the partition
  ARGV[1] ref, [2] entry, [3] bell, [4] watch_ms (0 = none): the caller wants to hear of the next commits for so long
  Returns {"OK"} | {"CLOSED", status} | {"UNKNOWN"} | {"QUOTA"}; only OK wrote.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
local at = redis.call('HMGET', KEYS[1], 'own', 'until', 'quarantine', 'status')
if not at[4] then return {'UNKNOWN'} end
if at[4] ~= 'RUNNING' then return {'CLOSED', at[4]} end
if redis.call('LLEN', KEYS[2]) >= 100 then return {'QUOTA'} end
expect('ZCARD', KEYS[3])
local now = now_ms()
-- A stop must end a quarantined execution too: it is let out for this one event.
if at[3] then
  redis.call('HDEL', KEYS[1], 'quarantine')
  redis.call('HSET', KEYS[1], 'claims', '0')
  at[3] = false
end
if tonumber(ARGV[4]) > 0 then redis.call('HSET', KEYS[1], 'watch', text(now + tonumber(ARGV[4]))) end
redis.call('RPUSH', KEYS[2], ARGV[2])
wake(KEYS[3], ARGV[1], at, now, ARGV[3])
return {'OK'}
