--[[ deliver_signal
  Accept a signal for a running execution, once per id.

  KEYS[1] x hash, [2] inbox list, [3] seen zset (ids of the last `seen_max` signals, by ms), [4] ready zset of the partition
  ARGV[1] ref, [2] signal id, [3] entry, [4] bell, [5] inbox_max, [6] buffered_max (with those in the inbox), [7] seen_max
  Returns {"OK"} | {"REPEAT"} | {"CLOSED", status} | {"UNKNOWN"} | {"QUOTA"}; only OK wrote.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
local at = redis.call('HMGET', KEYS[1], 'own', 'until', 'quarantine', 'status', 'buffered', 'paused')
if not at[4] then return {'UNKNOWN'} end
if redis.call('ZSCORE', KEYS[3], ARGV[2]) then return {'REPEAT'} end
if at[4] ~= 'RUNNING' then return {'CLOSED', at[4]} end
local waiting, now = redis.call('LLEN', KEYS[2]), now_ms()
if waiting >= tonumber(ARGV[5]) then return {'QUOTA'} end
if waiting + tonumber(at[5] or '0') >= tonumber(ARGV[6]) then return {'QUOTA'} end
expect('ZCARD', KEYS[4])
redis.call('ZADD', KEYS[3], text(now), ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[7]))
redis.call('RPUSH', KEYS[2], ARGV[3])
wake(KEYS[4], ARGV[1], at, now, ARGV[4], at[6])
return {'OK'}
