#!lua flags=allow-oom
--[[ fire_timer
  A moment has come: turn a due timer into an event of its execution. Never early by Redis time, never twice.
  A timer of an execution that is paused and holds its timers is put off; the resumption sets it anew.

  KEYS[1] timers zset, [2] ready zset: of the partition; [3] x hash, [4] inbox or control list: of the execution
  ARGV[1] timer member, [2] ref, [3] entry, [4] bell
  Returns 1 fired | 0 not due, gone, or put off | -1 the execution is over (the timer was removed)
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include pause
local due, now = redis.call('ZSCORE', KEYS[1], ARGV[1]), now_ms()
if not due or tonumber(due) > now then return 0 end
local at = redis.call('HMGET', KEYS[3], 'own', 'until', 'quarantine', 'status', 'paused')
expect('LLEN', KEYS[4])
expect('ZCARD', KEYS[2])
if put_off(KEYS[1], ARGV[1], now, at[5]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if at[4] ~= 'RUNNING' then return -1 end
redis.call('RPUSH', KEYS[4], ARGV[3])
-- The machine's deadline is heard at once, and kept by the checkpoint; anything else waits in the inbox.
wake(KEYS[2], ARGV[2], at, now, ARGV[4], at[5] and not string.find(ARGV[1], '#deadline$'))
return 1
