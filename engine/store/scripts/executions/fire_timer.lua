#!lua flags=allow-oom
--[[ fire_timer
  A moment has come: turn a due timer into an event of its execution. Never early by Redis time, never twice.

  KEYS[1] timers zset, [2] ready zset: of the partition; [3] x hash, [4] inbox or control list: of the execution
  ARGV[1] timer member, [2] ref, [3] entry, [4] bell
  Returns 1 fired | 0 not due, or gone | -1 the execution is over (the timer was removed)
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
local due, now = redis.call('ZSCORE', KEYS[1], ARGV[1]), now_ms()
if not due or tonumber(due) > now then return 0 end
local at = redis.call('HMGET', KEYS[3], 'own', 'until', 'quarantine', 'status')
expect('LLEN', KEYS[4])
expect('ZCARD', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
if at[4] ~= 'RUNNING' then return -1 end
redis.call('RPUSH', KEYS[4], ARGV[3])
wake(KEYS[2], ARGV[2], at, now, ARGV[4])
return 1
