--[[ deliver_signal
  Accept a signal for a running execution, once per id.

  KEYS[1] x hash, [2] inbox list, [3] seen hash (signal id -> "1"), [4] ready zset of the partition
  ARGV[1] ref, [2] signal id, [3] entry, [4] bell, [5] inbox_max, [6] seen_max
  Returns {"OK"} | {"REPEAT"} | {"CLOSED", status} | {"UNKNOWN"} | {"QUOTA"}; only OK wrote.
]]
--- @include clock
--- @include wake
local at = redis.call('HMGET', KEYS[1], 'own', 'until', 'quarantine', 'status')
if not at[4] then return {'UNKNOWN'} end
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return {'REPEAT'} end
if at[4] ~= 'RUNNING' then return {'CLOSED', at[4]} end
if redis.call('LLEN', KEYS[2]) >= tonumber(ARGV[5]) then return {'QUOTA'} end
if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[6]) then return {'QUOTA'} end
redis.call('HSET', KEYS[3], ARGV[2], '1')
redis.call('RPUSH', KEYS[2], ARGV[3])
wake(KEYS[4], ARGV[1], at, now_ms(), ARGV[4])
return {'OK'}
